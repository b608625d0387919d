package command

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"portico/app"
	"portico/edge/auth"
)

type tokenCmd struct {
	Persona string        `arg:"" help:"buyer, approver, buyer-child, buyer-other, supplier, supplier-other or operator."`
	Scope   string        `help:"Only these of the persona's scopes, separated by blanks." placeholder:"SCOPES"`
	TTL     time.Duration `name:"ttl" help:"How long the token holds." default:"12h"`
}

// Run prints a token, alone on the last line.
func (t tokenCmd) Run(cfg app.Config) error {
	if cfg.Profile == app.Production {
		return errors.New("the production profile has no development issuer: get tokens from a configured issuer")
	}
	persona, err := auth.FindPersona(t.Persona)
	if err != nil {
		return err
	}
	if t.TTL <= 0 {
		return app.Wrong("--ttl", t.TTL.String(), "positive")
	}
	issuer, err := auth.OpenDevIssuer(cfg.Data)
	if err != nil {
		return err
	}
	var rights []string
	if t.Scope != "" {
		rights = strings.Fields(t.Scope)
	}
	token, _, err := issuer.Token(persona, rights, t.TTL)
	if err != nil {
		return err
	}
	fmt.Println(token)
	return nil
}
