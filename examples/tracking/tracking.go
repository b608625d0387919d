// Package tracking is a customer's tracking page, as an example of a portal: its source, and
// the build of it that is served in development.
package tracking

import "embed"

// Files are the build, compressed, under dist.
//
//go:embed all:dist
var Files embed.FS
