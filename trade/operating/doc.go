// Package operating holds the business types of running the product: systems and their health,
// routes of capabilities, measures and objectives, what clients use of the schema, code mappings,
// webhooks, inbound deliveries, and the audit log. It does no I/O.
package operating
