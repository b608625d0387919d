package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"portico/app"
	"portico/evidence"
	"portico/process/audit"
)

type evidenceCmd struct {
	Export exportCmd `cmd:"" help:"Write all evidence about a purchase order into a file that anybody can verify."`
	Verify bundleCmd `cmd:"" help:"Verify such a file, without a database or a network."`
}

type exportCmd struct {
	PurchaseOrder string `arg:"" name:"purchase-order" help:"Its number or global id."`
	Output        string `short:"o" help:"File to write; evidence-NUMBER.json when left out."`
}

// Run exports.
func (c exportCmd) Run(ctx context.Context, cfg app.Config, log *slog.Logger) error {
	database, err := app.OpenDatabase(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer database.Close()
	b, err := audit.Export(ctx, database.Store, cfg.AuditFolder, c.PurchaseOrder, time.Now)
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(b, "", "  ")
	if err != nil {
		return err
	}
	if c.Output == "" {
		c.Output = "evidence-" + filepath.Base(b.PurchaseOrder.Number) + ".json"
	}
	if err := os.WriteFile(c.Output, append(text, '\n'), 0o600); err != nil {
		return err
	}
	fmt.Printf("%s: %d messages about purchase order %s. Verify it anywhere: portico evidence verify %s\n", c.Output, len(b.Messages),
		b.PurchaseOrder.Number, c.Output)
	return nil
}

type bundleCmd struct {
	Bundle string `arg:"" type:"existingfile" help:"File that evidence export wrote, or the graph's evidenceBundle."`
	Key    string `type:"existingfile" help:"File with the audit log's public keys as they are known from elsewhere, one a line (key.pub of the audit folder)."`
}

// Run verifies, and fails where something does not hold.
func (c bundleCmd) Run() error {
	text, err := os.ReadFile(c.Bundle)
	if err != nil {
		return err
	}
	var b evidence.Bundle
	if err := json.Unmarshal(text, &b); err != nil {
		return fmt.Errorf("%s is no bundle of evidence: %w", c.Bundle, err)
	}
	var trusted []string
	if c.Key != "" {
		key, err := os.ReadFile(c.Key)
		if err != nil {
			return err
		}
		if trusted = strings.Fields(string(key)); len(trusted) == 0 {
			return fmt.Errorf("%s holds no key", c.Key)
		}
	}
	r := b.Verify(trusted...)
	for _, w := range r.Wrong {
		fmt.Println(w)
	}
	if len(r.Wrong) > 0 {
		return errors.New("the evidence does not hold")
	}
	fmt.Printf("Purchase order %s of supplier %s: %d messages, %d receipts and %d entries of the audit log hold.\n", b.PurchaseOrder.Number,
		b.PurchaseOrder.Supplier, r.Messages, r.Receipts, r.Entries)
	if len(trusted) == 0 {
		fmt.Println("The head of the audit log is signed with",
			b.Log.Key+". Compare that key with the one you know, or name a file with it: --key.")
	}
	return nil
}
