// Command generate writes what gqlgen generates from the gqlgen.yml of a folder,
// and beside it the table that package execution runs from. groups.yml, in the
// folder of the generated code, names the loaders that fields share.
package main

import (
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"

	"github.com/99designs/gqlgen/api"
	"github.com/99designs/gqlgen/codegen/config"
	"gopkg.in/yaml.v3"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) > 1 {
		if err := os.Chdir(os.Args[1]); err != nil {
			return err
		}
	}
	log.SetOutput(io.Discard) // gqlgen tells of every resolver that is by hand
	cfg, err := config.LoadConfig("gqlgen.yml")
	if err != nil {
		return err
	}
	file := filepath.Join(cfg.Exec.Dir(), "groups.yml")
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var groups map[string][]string
	if err := yaml.Unmarshal(text, &groups); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	byField := map[string]string{}
	for group, fields := range groups {
		for _, f := range fields {
			byField[f] = group
		}
	}
	return api.Generate(cfg, api.AddPlugin(bindings{byField}))
}
