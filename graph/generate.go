package graph

//go:generate go -C .. run ./graph/generate
//go:generate go -C .. run ./graph/generate graph/execution/difftest
