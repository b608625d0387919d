package trade

import (
	"fmt"
	"time"
)

// SupplierItem is an item in a supplier's range. MinimumQuantity is the least it sells.
type SupplierItem struct {
	ID                 string          `json:"ID"`
	SupplierRef        Ref             `json:"SupplierRef"`
	ItemRef            Ref             `json:"ItemRef"`
	SupplierPartNumber *string         `json:"SupplierPartNumber"`
	LeadTimeDays       *int            `json:"LeadTimeDays"` // calendar days
	MinimumQuantity    *Quantity       `json:"MinimumQuantity"`
	NextLeadTime       *LeadTimeChange `json:"NextLeadTime"`
	Provenance         Provenance      `json:"Provenance"`
}

// NodeID is its global id.
func (s *SupplierItem) NodeID() string { return s.ID }

// From is where the values came from: the source of the item.
func (s *SupplierItem) From() *Provenance { return &s.Provenance }

// LeadTimeChange is a lead time that a supplier announced, for orders from a day on.
type LeadTimeChange struct {
	LeadTimeDays  int       `json:"leadTimeDays"`
	EffectiveFrom Date      `json:"effectiveFrom"`
	Reason        *string   `json:"reason"`
	AnnouncedAt   time.Time `json:"announcedAt"`
}

// LeadTimeRequest is a supplier's change of a lead time. Nothing in it is trusted.
type LeadTimeRequest struct {
	SupplierItemID string  `json:"SupplierItemID"`
	LeadTimeDays   int     `json:"LeadTimeDays"`
	EffectiveFrom  Date    `json:"EffectiveFrom"`
	Reason         *string `json:"Reason"`
}

// LeadTime is what a source is told of a lead time.
type LeadTime struct {
	Supplier string `json:"Supplier"`
	SKU      string `json:"SKU"`
	Days     int    `json:"Days"`
}

const (
	mostLeadTime = 999                      // days
	furthestLead = 2 * 366 * 24 * time.Hour // from now
)

// CheckLeadTime says what is wrong with a change of a lead time on a day.
func CheckLeadTime(r *LeadTimeRequest, now *SupplierItem, today Date) (errs []UserError) {
	no := func(field, message string) {
		errs = append(errs, &InvalidInput{Refusal: Refusal{Code: CodeInvalidInput, Message: message, Path: []string{"input", field}}})
	}
	switch {
	case r.LeadTimeDays < 1 || r.LeadTimeDays > mostLeadTime:
		no("leadTimeDays", fmt.Sprintf("Lead times are 1 to %d days.", mostLeadTime))
	case now.NextLeadTime == nil && now.LeadTimeDays != nil && *now.LeadTimeDays == r.LeadTimeDays:
		no("leadTimeDays", "That is the lead time already.")
	}
	switch {
	case r.EffectiveFrom.Before(today):
		no("effectiveFrom", "The day is past: use today or a later day.")
	case r.EffectiveFrom.Time().Sub(today.Time()) > furthestLead:
		no("effectiveFrom", "The day is more than two years away.")
	}
	if r.Reason != nil {
		errs = append(errs, CheckText(*r.Reason, "reason")...)
	}
	return errs
}
