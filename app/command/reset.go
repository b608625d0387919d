package command

import (
	"fmt"
	"os"
	"path/filepath"

	"portico/app"
	"portico/store/postgres"
)

type resetCmd struct{}

// Run removes what Portico keeps in its data folder, and nothing else that may
// lie there.
func (resetCmd) Run(cfg app.Config) error {
	if err := postgres.Remove(cfg.Data); err != nil {
		return err
	}
	for _, name := range []string{"sandbox", "development-issuer.jwk", "link-key", "data-key", "receipt-key.pem", "audit", "lock"} {
		if err := os.RemoveAll(filepath.Join(cfg.Data, name)); err != nil {
			return fmt.Errorf("reset: %w", err)
		}
	}
	fmt.Println("Removed what was in", cfg.Data+". `make run` starts from scratch.")
	return nil
}
