// Package operating holds what the product is run by: alerts, measures, routes, deliveries in
// both directions, the log of changes, sign-in and how the schema is used.
package operating
