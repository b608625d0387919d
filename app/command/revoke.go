package command

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"portico/app"
	operatingstore "portico/store/operating"
	"portico/trade/operating"
)

type revokeCmd struct {
	Subject string        `help:"All tokens of this subject (sub) that were issued until now." placeholder:"SUB" xor:"what" required:""`
	Token   string        `help:"The token with this id (jti)." placeholder:"JTI" xor:"what" required:""`
	Until   time.Duration `name:"for" help:"How long it is kept: as long as the issuer's tokens hold." default:"24h"`
}

// Run files a revocation, which every running server sees at once.
func (c revokeCmd) Run(ctx context.Context, cfg app.Config, log *slog.Logger) error {
	database, err := app.OpenDatabase(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer database.Close()
	now, subject := time.Now(), ""
	if c.Subject != "" {
		subject = operating.SubjectDigest(c.Subject)
	}
	if err := operatingstore.Revoke(ctx, database.Store, operating.Revocation{Token: c.Token, Subject: subject, At: now},
		now.Add(c.Until)); err != nil {
		return err
	}
	fmt.Println("Revoked. Connections end within a second, and tokens are refused until", now.Add(c.Until).Format(time.RFC3339)+".")
	return nil
}
