package main

//go:generate go run ./graph/generate
//go:generate go run ./graph/generate execution/difftest
