package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"portico/test/e2e/api"
)

const leadTime = `mutation ($k: IdempotencyKey!, $in: ChangeLeadTimeInput!) { out: changeLeadTime(idempotencyKey: $k, input: $in) {
	replayed errors { __typename ... on UserError { code message path } } operation { id kind state } alert { id }
	supplierItem { id leadTimeDays nextLeadTime { leadTimeDays effectiveFrom reason announcedAt } } receipt { kind } } }`

func (p *supplying) lead(t *testing.T, persona string, in map[string]any) answer {
	t.Helper()
	return p.s.good(t, persona, leadTime, map[string]any{"k": p.key(), "in": in})
}

func (p *supplying) leadTime(t *testing.T, persona string, in api.ChangeLeadTimeInput) api.ChangedLeadTime {
	t.Helper()
	return must(api.ChangeLeadTime(p.s.as(t, persona), p.key(), in)).ChangeLeadTime
}

// item is an item of the supplier's range by its number.
func (p *supplying) item(t *testing.T, persona, sku string) (none api.SuppliedItem) {
	t.Helper()
	viewer := must(api.SupplierRange(p.s.as(t, persona))).Viewer
	if supplier, is := viewer.(*api.SupplierRangeViewerSupplierViewer); is {
		for _, n := range supplier.Supplier.Items.Nodes {
			if n.Item.Sku == sku {
				return n
			}
		}
	}
	t.Fatalf("%s does not supply %s: %s", persona, sku, asJSON(viewer))
	return none
}

// TestSupplierAnnouncesALeadTime has a supplier announce a lead time that holds later, which
// planning is told of and the ERP learns on its day, and one that holds at once.
//
// Covers: P07 P08
func TestSupplierAnnouncesALeadTime(t *testing.T) {
	t.Parallel()
	s := start(t, loaded(t))
	t.Cleanup(func() { _ = s.stop() })
	s.control(t, http.MethodPost, "/control/speed?speed=0", nil)
	p := &supplying{s: s}
	const sku = "SCR-10001"
	item := p.item(t, "supplier", sku)
	was := val(item.LeadTimeDays)
	if was == 0 || item.Supplier.Code != "V2001" || item.SupplierPartNumber == nil || item.MinimumQuantity.Unit != "EA" ||
		item.Provenance.System != api.SourceKindErp {
		t.Fatalf("as the ERP has it: %s", asJSON(item))
	}
	operator := s.as(t, "operator")
	suppliers := must(api.ItemSuppliers(operator, sku)).Item.Suppliers
	if at(suppliers, 0).Id != item.Id || at(suppliers, 1).Supplier.Code != "V2002" {
		t.Errorf("preferred first: %s", asJSON(suppliers))
	}
	for _, list := range must(api.PartnerRanges(operator)).Partners.Nodes {
		if count := list.Items.TotalCount.Value; count < 100 || count > 200 || len(list.Items.Nodes) != 100 {
			t.Errorf("%s has %d items of %d", list.Code, len(list.Items.Nodes), count)
		}
		for _, n := range list.Items.Nodes {
			if n.Supplier.Code != list.Code {
				t.Fatalf("%s's range has one of %s", list.Code, n.Supplier.Code)
			}
		}
	}
	today, later := time.Now().UTC(), time.Now().UTC().AddDate(0, 0, 9).Format(time.DateOnly)
	type input = api.ChangeLeadTimeInput
	for what, c := range map[string]struct {
		field string
		bad   func(*input)
	}{
		"an item of nobody": {"supplierItem", func(in *input) { in.SupplierItem = "sit_none" }},
		"no days":           {"leadTimeDays", func(in *input) { in.LeadTimeDays = 0 }},
		"too many days":     {"leadTimeDays", func(in *input) { in.LeadTimeDays = 1000 }},
		"as it was":         {"leadTimeDays", func(in *input) { in.LeadTimeDays = was }},
		"a day that is past": {"effectiveFrom", func(in *input) {
			in.EffectiveFrom = today.AddDate(0, 0, -1).Format(time.DateOnly)
		}},
		"a day that is far": {"effectiveFrom", func(in *input) { in.EffectiveFrom = today.AddDate(3, 0, 0).Format(time.DateOnly) }},
		"a long reason":     {"reason", func(in *input) { in.Reason = new(strings.Repeat("x", 10_000)) }},
	} {
		in := input{SupplierItem: item.Id, LeadTimeDays: was + 4, EffectiveFrom: later}
		c.bad(&in)
		if a := p.leadTime(t, "supplier", in); !strings.HasPrefix(fmt.Sprint(at(a.Errors, 0).Path), "[input "+c.field) || !null(a.SupplierItem) {
			t.Errorf("%s: %s", what, asJSON(a))
		}
	}
	announced := input{SupplierItem: item.Id, LeadTimeDays: was + 4, EffectiveFrom: later, Reason: new("the press is old")}
	if a := p.leadTime(t, "supplier-other", announced); at(a.Errors, 0).Code != "NOT_FOUND" {
		t.Errorf("another supplier's: %s", asJSON(a))
	}
	a := p.leadTime(t, "supplier", announced)
	if !null(a.Operation) || val(a.SupplierItem.LeadTimeDays) != was ||
		a.SupplierItem.NextLeadTime.LeadTimeDays != was+4 || !null(a.Alert) {
		t.Fatalf("announced: %s", asJSON(a))
	}
	told := func() api.LeadTimeAlertsAlertsAlertConnectionNodesAlert {
		t.Helper()
		all := must(api.LeadTimeAlerts(operator, item.Id)).Alerts.Nodes
		if len(all) != 1 {
			t.Fatalf("planning is told %d times: %s", len(all), asJSON(all))
		}
		return all[0]
	}
	if w := told(); w.Severity != api.SeverityWarning || w.Queue != "planning" ||
		!strings.Contains(w.Message, fmt.Sprintf("in %d days instead of %d", was+4, was)) || w.SubjectNode.Id != item.Id {
		t.Errorf("planning is told: %s", asJSON(w))
	}
	if r := s.record(t, "erp", "materials", sku); walk(r, "vendors.0.plDays") != float64(was) {
		t.Errorf("the ERP before the day: %v", r["vendors"])
	}
	announced.LeadTimeDays = was - 2
	if a = p.leadTime(t, "supplier", announced); a.SupplierItem.NextLeadTime.LeadTimeDays != was-2 {
		t.Fatalf("announced once more: %s", asJSON(a))
	}
	if w := told(); w.Severity != api.SeverityInfo {
		t.Errorf("sooner: %s", asJSON(w))
	}
	// The day comes.
	if _, err := s.database(t).ExecContext(t.Context(), `UPDATE lead_time_changes SET effective_from = current_date`); err != nil {
		t.Fatal(err)
	}
	s.until(t, 30*time.Second, "the day has come", func() bool {
		now := p.item(t, "supplier", sku)
		return val(now.LeadTimeDays) == was-2 && null(now.NextLeadTime)
	})
	if r := s.record(t, "erp", "materials", sku); walk(r, "vendors.0.plDays") != float64(was-2) {
		t.Errorf("the ERP: %v", r["vendors"])
	}
	done := must(api.OperationSteps(s.as(t, "supplier"), &api.OperationFilter{
		Kind: []api.OperationKind{api.OperationKindChangeLeadTime},
	})).Operations.Nodes
	if len(done) != 1 || done[0].State != api.OperationStateCommitted {
		t.Errorf("once: %s", asJSON(done))
	}
	// One that holds at once is an operation at once.
	now := input{SupplierItem: item.Id, LeadTimeDays: was, EffectiveFrom: today.Format(time.DateOnly)}
	if a = p.leadTime(t, "operator", now); a.Operation.State != api.OperationStateCommitted || val(a.SupplierItem.LeadTimeDays) != was ||
		!null(a.SupplierItem.NextLeadTime) || null(a.Alert) {
		t.Errorf("at once: %s", asJSON(a))
	}
	// What the ERP does not take is told to both sides: it told a supplier that it does not have.
	s.control(t, http.MethodPost, "/control/records",
		map[string]any{
			"service": "erp", "object": "materials", "key": "SCR-10002",
			"set": map[string]any{"rev": 99, "vendors": []any{map[string]any{"venNo": "V2003", "plDays": 5}}},
		})
	s.until(t, 20*time.Second, "told wrongly", func() bool {
		first := at(must(api.ItemSuppliers(operator, "SCR-10002")).Item.Suppliers, 0)
		now.SupplierItem = first.Id
		return first.Supplier.Code == "V2003"
	})
	now.LeadTimeDays = 7
	if a = p.leadTime(t, "operator", now); a.Operation.State != api.OperationStateFailed || val(a.SupplierItem.LeadTimeDays) != 5 ||
		!null(a.SupplierItem.NextLeadTime) {
		t.Errorf("refused: %s", asJSON(a))
	}
	why := asJSON(must(api.Alerts(operator, 25, &api.AlertFilter{
		Subject: &now.SupplierItem, Kind: []api.AlertKind{api.AlertKindReported},
	})).Alerts)
	if !strings.Contains(why, "not applied: The ERP does not know the item") || !strings.Contains(why, string(api.AudienceSupplier)) {
		t.Errorf("both sides are told: %s", why)
	}
}
