// Package ordering holds the rules of customers' orders: what an order request is checked against,
// what an order costs and when it can be delivered, and who may order how much. It does no I/O.
package ordering
