package store_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"portico/store"
	"portico/store/storetest"
)

func TestOnlyContentIsRefused(t *testing.T) {
	t.Parallel()
	for code, refused := range map[pqerror.Code]bool{
		"21000": true, "22003": true, "22021": true, "22P05": true, "23502": true, "23503": true, "23505": true, "23514": true, "54000": true,
		"08006": false, "25006": false, "25P02": false, "40001": false, "40P01": false, "42P01": false, "53100": false, "53200": false,
		"55P03": false, "57014": false, "57P01": false, "57P03": false, "58030": false, "XX000": false, "XX001": false,
	} {
		reason, got := store.Refused(fmt.Errorf("saving: %w", &pq.Error{Code: code}))
		if got != refused || got != (reason != "") {
			t.Errorf("%s: refused %t (%q), want %t", code, got, reason, refused)
		}
	}
	for _, err := range []error{nil, context.Canceled, context.DeadlineExceeded} {
		if _, refused := store.Refused(err); refused {
			t.Errorf("%v is refused", err)
		}
	}
}

// TestARefusalSaysWhatIsWrongInWords has the database refuse rows, and reads what is said of each.
func TestARefusalSaysWhatIsWrongInWords(t *testing.T) {
	db := storetest.Open(t)
	const warehouse = `INSERT INTO warehouses (code, name, location, cutoff, system, instance, source_ref, source_version, sequence, as_of)
		VALUES ('W', %s, '{}', %s, 'ERP', 'erp', 'W', '1', %s, now())`
	const shipment = `INSERT INTO shipments (number, direction, mode, refs, status, created_at, system, instance, source_ref,
		source_version, sequence, as_of) VALUES ('1', 'OUTBOUND', 'PARCEL', '[]', 'UNKNOWN', now(), 'ERP', 'erp', '1', '1', 1, now())`
	for _, c := range []struct{ statement, want string }{
		{fmt.Sprintf(warehouse, "'W'", "'7 am'", "1"), "cutoff of warehouses has a value that it cannot have (rule warehouses_cutoff_check)"},
		{fmt.Sprintf(warehouse, "NULL", "NULL", "1"), "it has no value for name of warehouses"},
		{fmt.Sprintf(warehouse, "'W'", "NULL", "99999999999999999999"), "a number is too large"},
		{
			fmt.Sprintf(warehouse, "'W'", "NULL", "1") + "; " + fmt.Sprintf(warehouse, "'W'", "NULL", "1"),
			"another record has the same key in warehouses (rule warehouses_code_key)",
		},
		{shipment, "values of shipments do not go together (rule shipments_check)"},
		{
			`INSERT INTO shipment_orders (shipment_id, order_id) VALUES ('none', 'none')`,
			"it names a record that is not there, or is named by another one (rule shipment_orders_",
		},
		{`SELECT substring('a' from 1 for -1)`, "the database refuses a value of it (SQLSTATE 22011, substring_error)"},
	} {
		_, err := db.ExecContext(t.Context(), c.statement)
		if reason, refused := store.Refused(err); !refused || !strings.HasPrefix(reason, c.want) {
			t.Errorf("%v is refused (%t) for %q, want %q", err, refused, reason, c.want)
		}
	}
}
