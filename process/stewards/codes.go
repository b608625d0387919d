package stewards

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"portico/process"
	"portico/store"
	"portico/store/ledger"
	operatingstore "portico/store/operating"
	"portico/trade"
	"portico/trade/clock"
	"portico/trade/operating"
)

// Codes are the tables of what the codes of sources mean. They come with their sources; what is
// published besides is in force on all processes within a second.
type Codes struct {
	desk  *process.Desk
	taken chan int // publications that are in force here; held by who takes more
}

// NewCodes makes them.
func NewCodes(d *process.Desk) *Codes {
	c := &Codes{d, make(chan int, 1)}
	c.taken <- 0
	return c
}

const codesEvery = time.Second

// Begin keeps the tables as they were written, and puts in force what was published. It is
// called before anything is read.
func (c *Codes) Begin(ctx context.Context) error {
	err := c.desk.Store.InTx(ctx, func(tx *store.Tx) error {
		for name, table := range c.desk.Sources.Codes() {
			if err := operatingstore.WriteCodes(ctx, tx,
				&operating.CodeMapping{
					Instance: &name, Standard: table.Standard, List: table.List, Version: table.Version,
					Codes: table.Written,
				}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return c.take(ctx)
}

// take puts in force what was published.
func (c *Codes) take(ctx context.Context) error {
	now := <-c.taken
	defer func() { c.taken <- now }()
	published, publications, err := operatingstore.PublishedCodes(ctx, c.desk.Store, now)
	if err != nil {
		return err
	}
	for name, codes := range published {
		c.desk.Sources.PublishCodes(name, codes)
	}
	now = publications
	return nil
}

// Watch puts in force what others publish, until ctx ends.
func (c *Codes) Watch(ctx context.Context, log *slog.Logger) {
	loop := clock.Loop{Task: "codes that were published", Every: codesEvery, Late: true, Log: log}
	loop.Run(ctx, clock.Pass(c.take))
}

// Publication is what codes of a table whose version was seen mean from now on.
type Publication struct {
	MappingID string                       `json:"MappingID"`
	Version   int                          `json:"Version"`
	Entries   []operating.CodeMappingEntry `json:"Entries"`
	Reason    string                       `json:"Reason"`
}

// Publish publishes what codes mean. What came before is read by it when it is replayed.
func (c *Codes) Publish(ctx context.Context, scope trade.Scope, by process.Submitter, key string,
	p Publication,
) (*process.Acted, error) {
	if errs := process.RequireText(p.Reason, process.SayWhy, "reason"); errs != nil {
		return &process.Acted{Errors: errs}, nil
	}
	done, err := process.Once(ctx, c.desk.Store, by, "publishCodeMapping", key, p,
		func(tx *store.Tx, _ string) (spent ledger.SpentKey, errs []trade.UserError, err error) {
			m, err := operatingstore.LockCodeMapping(ctx, tx, scope, p.MappingID)
			if err != nil || m == nil {
				return spent, []trade.UserError{process.Invalid(trade.CodeNotFound, "There is no such table.", "mapping")}, err
			}
			if m.Version != p.Version {
				return spent, []trade.UserError{&trade.VersionConflict{
					Refusal: trade.Refusal{
						Code:    trade.CodeVersionConflict,
						Message: fmt.Sprintf("The table is at version %d by now: look at it again.", m.Version), Path: []string{"input", "expectedVersion"},
					},
					CurrentVersion: strconv.Itoa(m.Version), ChangedFields: []string{},
				}}, nil
			}
			changed, errs := m.Publish(p.Entries)
			if errs != nil {
				return spent, errs, nil
			}
			before, after := map[string]any{"version": m.Version}, map[string]any{"version": m.Version + 1, "source": m.Instance, "reason": p.Reason}
			for code, is := range changed {
				after[code] = is
				if was, ok := m.Codes[code]; ok {
					before[code] = was
				}
			}
			if err := operatingstore.PublishCodes(ctx, tx, m.ID, changed); err != nil {
				return spent, nil, err
			}
			return ledger.SpentKey{Subject: m.ID}, nil,
				ledger.Audit(ctx, tx, operating.AuditRecord{
					Actor: by.Principal, Action: "codes.publish", Subject: m.ID,
					CorrelationID: by.CorrelationID, Before: before, After: after,
				})
		})
	if err == nil && len(done.Errors) == 0 {
		err = c.take(ctx)
	}
	return done, err
}
