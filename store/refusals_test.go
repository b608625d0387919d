package store_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"portico/store"
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
