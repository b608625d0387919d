package command

import (
	"os"

	"portico/app"
)

type configCmd struct{}

// Run prints the settings in force.
func (configCmd) Run(cfg app.Config) error { return cfg.Print(os.Stdout) }
