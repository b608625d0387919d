// Package records reads the copy of what the sources reported, and keeps what Portico itself
// adds to it: one file per topic. Every read joins the caller's scope in the statement.
package records
