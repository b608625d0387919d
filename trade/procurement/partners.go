package procurement

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"portico/trade"
)

// TradingPartner is a supplier or a carrier, and how far it has come with us.
type TradingPartner struct {
	ID                string           `json:"ID"`
	Code              string           `json:"Code"`
	Name              string           `json:"Name"`
	GLN               *string          `json:"GLN"`
	Stage             OnboardingStage  `json:"Stage"`
	ActivatedAt       *time.Time       `json:"ActivatedAt"`
	RequiresSignature bool             `json:"RequiresSignature"`
	Channels          []PartnerChannel `json:"Channels"`
	Scopes            []string         `json:"Scopes"`        // that it may be given; none: all that its tokens say
	CostPerMinute     *int             `json:"CostPerMinute"` // nil is that of its class
	ToleranceID       string           `json:"ToleranceID"`   // empty is the standard one
	Version           string           `json:"Version"`
	Provenance        trade.Provenance `json:"Provenance"`
}

// NodeID is the partner's global id.
func (p *TradingPartner) NodeID() string { return p.ID }

// OnboardingStage is how far a partner has come.
type OnboardingStage string

// Stages of onboarding, in order.
const (
	Invited      OnboardingStage = "INVITED"
	Registered   OnboardingStage = "REGISTERED"
	KeysVerified OnboardingStage = "KEYS_VERIFIED"
	Testing      OnboardingStage = "TESTING"
	Certified    OnboardingStage = "CERTIFIED"
	Active       OnboardingStage = "ACTIVE"
	Suspended    OnboardingStage = "SUSPENDED"
	Offboarded   OnboardingStage = "OFFBOARDED"
)

// stages are those that follow each other.
var stages = []OnboardingStage{Invited, Registered, KeysVerified, Testing, Certified, Active}

// NextStages are the stages that a partner can be moved to from one, the next one first.
func (s OnboardingStage) NextStages() []OnboardingStage {
	switch s {
	case Active:
		return []OnboardingStage{Suspended, Offboarded}
	case Suspended:
		return []OnboardingStage{Active, Offboarded}
	case Offboarded:
		return []OnboardingStage{}
	}
	return []OnboardingStage{stages[slices.Index(stages, s)+1], Offboarded}
}

// Tests tells whether documents of a partner at a stage are tests, of which nothing stays.
func (s OnboardingStage) Tests() bool { return s == Testing || s == Certified }

// PartnerGrant is what a partner's tokens are worth.
type PartnerGrant struct {
	ID            string
	Stage         OnboardingStage
	Scopes        []string // empty: all that its tokens say
	CostPerMinute int      // 0 is that of its class
}

// always are the rights that no profile takes from a partner, for by them it sees what is
// missing, and proves its keys.
var always = []string{"partner:read", "partner:write", "user:read", "schema:read"}

// Scope is what a bearer of a token with these rights may do for the partner.
func (g PartnerGrant) Scope(rights []string) trade.Scope {
	if g.Stage == Offboarded {
		return trade.GuestScope(nil)
	}
	if len(g.Scopes) > 0 {
		rights = slices.DeleteFunc(slices.Clone(rights),
			func(r string) bool { return !slices.Contains(g.Scopes, r) && !slices.Contains(always, r) })
	}
	return trade.SupplierScope(g.ID, rights).WithCost(g.CostPerMinute)
}

// SupplierRights are the rights that a partner may be given.
var SupplierRights = []string{
	"alert:read", "alert:write", "catalog:read", "despatch:write", "operation:read", "partner:read", "partner:write", "po:read", "po:respond",
	"price:read", "schema:read", "shipment:read", "user:read", "webhook:read", "webhook:write",
}

// PartnerChannel is a way a partner talks to us.
type PartnerChannel struct {
	Kind      ChannelKind           `json:"Kind"`
	Direction MessageDirection      `json:"Direction"`
	Documents []PartnerDocumentKind `json:"Documents"`
	Endpoint  *string               `json:"Endpoint"`
}

// ChannelKind is a kind of channel.
type ChannelKind string

// MessageDirection is which way a message goes.
type MessageDirection string

// Directions of messages.
const (
	ToUs   MessageDirection = "INBOUND"
	FromUs MessageDirection = "OUTBOUND"
)

// PartnerDocumentKind is a business document that is exchanged with partners.
type PartnerDocumentKind string

// Documents that suppliers send.
const (
	ResponseDocument PartnerDocumentKind = "PURCHASE_ORDER_RESPONSE"
	DespatchDocument PartnerDocumentKind = "DESPATCH_ADVICE"
	CatalogDocument  PartnerDocumentKind = "PRICE_SALES_CATALOG"
)

// PartnerKey is a public key of a partner, Ed25519.
type PartnerKey struct {
	ID          string     `json:"ID"`
	PartnerID   string     `json:"PartnerID"`
	Public      []byte     `json:"Public"`
	Fingerprint string     `json:"Fingerprint"`
	Proof       string     `json:"Proof"` // the text to sign to prove it
	VerifiedAt  *time.Time `json:"VerifiedAt"`
	ValidFrom   time.Time  `json:"ValidFrom"`
	RevokedAt   *time.Time `json:"RevokedAt"`
}

// NodeID is the key's global id.
func (k *PartnerKey) NodeID() string { return k.ID }

// Algorithm is the signature algorithm.
func (k *PartnerKey) Algorithm() string { return "ed25519" }

// Challenge is the text to sign to prove the key; nil once it is proved.
func (k *PartnerKey) Challenge() *string {
	if k.VerifiedAt != nil {
		return nil
	}
	return &k.Proof
}

// ValidTo is when signatures stop to count; nil where that is not foreseen.
func (k *PartnerKey) ValidTo() *time.Time { return k.RevokedAt }

// Unusable says why a signature made with the key does not count at a moment, in words for
// whoever made it; empty where it does.
func (k *PartnerKey) Unusable(at time.Time) string {
	switch {
	case k.VerifiedAt == nil || k.VerifiedAt.After(at):
		return "The key is not proved yet: sign its challenge, and send that with provePartnerKey."
	case at.Before(k.ValidFrom):
		return "The key is not valid yet."
	case k.RevokedAt != nil && !at.Before(*k.RevokedAt):
		return "The key was revoked."
	}
	return ""
}

// PartnerTest is the last test document of a kind that a partner sent.
type PartnerTest struct {
	Document PartnerDocumentKind `json:"Document"`
	Passed   bool                `json:"Passed"`
	Detail   *string             `json:"Detail"`
	At       time.Time           `json:"At"`
}

// TestOrder is the id of a purchase order, and TestLines of its lines, that every partner has for its test documents alone. It is
// at revision 1, with 100 EA in the first line and 50 EA in the second, and waits for what is tested: an order response or a
// despatch advice.
const TestOrder = "pur_test"

// TestLines are the ids of the lines of [TestOrder].
var TestLines = []string{"pol_test_1", "pol_test_2"}

// PartnerFacts are what the checks of onboarding look at.
type PartnerFacts struct {
	Partner    *TradingPartner
	Keys       []*PartnerKey
	Tests      []PartnerTest
	KnownToERP bool
}

// OnboardingCheck is one check of onboarding.
type OnboardingCheck struct {
	Name   string
	Stage  OnboardingStage
	Passed bool
	Detail *string // what is missing
	At     *time.Time
}

// Onboarding is where a partner's onboarding stands.
type Onboarding struct {
	Stage       OnboardingStage
	Checks      []*OnboardingCheck
	ActivatedAt *time.Time
}

// Onboarding is where a partner stands, with all checks up to being active; once it is,
// they are still told, for what it was let in by may be gone.
func (f *PartnerFacts) Onboarding(now time.Time) *Onboarding {
	return &Onboarding{f.Partner.Stage, f.Checks(now), f.Partner.ActivatedAt}
}

// Checks are all checks of onboarding, in the order of their stages.
func (f *PartnerFacts) Checks(now time.Time) []*OnboardingCheck {
	p := f.Partner
	var all []*OnboardingCheck
	add := func(stage OnboardingStage, name string, passed bool, missing string, at *time.Time) {
		c := &OnboardingCheck{Name: name, Stage: stage, Passed: passed, At: at}
		if !passed {
			c.Detail = &missing
		}
		all = append(all, c)
	}
	add(Registered, "Channels", len(p.Channels) > 0, "No channel is set: set channels with updatePartner.", nil)
	proved := slices.IndexFunc(f.Keys, func(k *PartnerKey) bool { return k.Unusable(now) == "" })
	var at *time.Time
	if proved >= 0 {
		at = f.Keys[proved].VerifiedAt
	}
	missing := "No key is proved and in force: add one with rotatePartnerKey, sign its challenge, and send that with provePartnerKey."
	add(KeysVerified, "Signing key", proved >= 0 || !p.RequiresSignature, missing, at)
	add(Testing, "Supplier in the ERP", f.KnownToERP, "The ERP has no supplier "+p.Code+": make it there.", nil)
	add(Testing, "Scopes", len(p.Scopes) > 0, "No scopes are given: set scopes with updatePartner.", nil)
	add(Testing, "Quota", p.CostPerMinute != nil, "No request budget is given: set costPerMinute with updatePartner.", nil)
	add(Testing, "Tolerance", p.ToleranceID != "", "No tolerance profile is chosen: set toleranceProfile with updatePartner.", nil)
	for _, document := range f.documents() {
		i := slices.IndexFunc(f.Tests, func(t PartnerTest) bool { return t.Document == document })
		var at *time.Time
		missing := "No test document was sent: send one about a purchase order, or about the test order " + TestOrder +
			" with the lines " + TestLines[0] + " and " + TestLines[1] + ". While the stage is TESTING nothing that is sent has an effect."
		if i >= 0 {
			at = &f.Tests[i].At
			if f.Tests[i].Detail != nil {
				missing = "The last test document was refused: " + *f.Tests[i].Detail
			}
		}
		add(Certified, "Test: "+string(document), i >= 0 && f.Tests[i].Passed, missing, at)
	}
	return all
}

// documents are those that a partner is tested with: what comes over its channels, and
// both where they say nothing of it.
func (f *PartnerFacts) documents() (all []PartnerDocumentKind) {
	for _, c := range f.Partner.Channels {
		for _, d := range c.Documents {
			if c.Direction == ToUs && (d == ResponseDocument || d == DespatchDocument) && !slices.Contains(all, d) {
				all = append(all, d)
			}
		}
	}
	if all == nil {
		return []PartnerDocumentKind{ResponseDocument, DespatchDocument}
	}
	slices.Sort(all)
	return all
}

// Missing are the checks that stand between a partner and a stage, in words.
func (f *PartnerFacts) Missing(to OnboardingStage, now time.Time) (missing []string) {
	for _, c := range f.Checks(now) {
		if !c.Passed && slices.Index(stages, c.Stage) <= slices.Index(stages, to) {
			missing = append(missing, c.Name+": "+*c.Detail)
		}
	}
	return missing
}

const (
	mostChannels = 20
	longestCode  = 40
)

// CheckPartner says what of a partner's profile, as it would be, cannot stand.
func CheckPartner(p *TradingPartner) (errs []trade.UserError) {
	wrong := func(message string, path ...string) {
		errs = append(errs, &trade.InvalidInput{Refusal: trade.Refusal{
			Code: trade.CodeInvalidInput, Message: message,
			Path: append([]string{"input"}, path...),
		}})
	}
	if p.Code == "" || len(p.Code) > longestCode || strings.ContainsFunc(p.Code, func(r rune) bool { return r <= ' ' || r > '~' }) {
		wrong(fmt.Sprintf("A code has 1 to %d printable ASCII characters without spaces.", longestCode), "code")
	}
	if trade.Blank(p.Name) {
		wrong("The name is missing.", "name")
	}
	errs = append(errs, trade.CheckText(p.Name, "name")...)
	if p.GLN != nil && !trade.ValidGLN(*p.GLN) {
		wrong("A GLN has 13 digits, the last of which checks the others.", "gln")
	}
	if len(p.Channels) > mostChannels {
		wrong(fmt.Sprintf("A partner has at most %d channels.", mostChannels), "channels")
	}
	for i, c := range p.Channels {
		if c.Endpoint == nil {
			continue
		}
		if u, err := url.Parse(*c.Endpoint); err != nil || u.Host == "" || u.User != nil ||
			!slices.Contains([]string{"https", "sftp", "as2"}, u.Scheme) {
			wrong("An endpoint is a URL of https, sftp or as2, without a password.", "channels", fmt.Sprint(i), "endpoint")
		}
	}
	for i, s := range p.Scopes {
		if !slices.Contains(SupplierRights, s) {
			wrong("A partner can be given "+strings.Join(SupplierRights, ", ")+".", "scopes", fmt.Sprint(i))
		}
	}
	if p.CostPerMinute != nil && *p.CostPerMinute < 1 {
		wrong("A budget is more than nothing.", "costPerMinute")
	}
	return errs
}

// IsEntity says that other graphs may refer to it.
func (*TradingPartner) IsEntity() {}
