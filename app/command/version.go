package command

import (
	"fmt"

	"portico/app"
)

type versionCmd struct{}

// Run prints the version that the build is of.
func (versionCmd) Run() { fmt.Println("portico", app.Version()) }
