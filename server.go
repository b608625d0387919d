// Command portico serves one GraphQL graph over a distributor's ERP and
// logistics systems.
package main

import (
	"os"

	"portico/app/command"
)

func main() { os.Exit(command.Main()) }
