// Package tracking derives where a shipment stands from all its events, in whatever order they came,
// and explains the derived status of shipments, orders and purchase orders. It does no I/O.
package tracking
