// Package replication keeps the copy equal to its sources: it saves what they report, knows how
// far each was loaded and followed, and reads back what is held to compare it.
package replication
