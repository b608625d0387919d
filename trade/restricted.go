package trade

import (
	"fmt"
	"log/slog"
)

// stars is what classified values print as.
const stars = "***"

// Restricted is text about a person, or that opens something: classified
// RESTRICTED in the schema. It prints as ***, in logs as elsewhere, and is
// stored encrypted.
type Restricted string

// Format prints ***.
func (Restricted) Format(f fmt.State, _ rune) { hide(f) }

// LogValue is ***.
func (Restricted) LogValue() slog.Value { return slog.StringValue(stars) }

// Confidential is text that may tell a price or who owes what: classified
// CONFIDENTIAL in the schema. It prints as ***, in logs as elsewhere.
type Confidential string

// Format prints ***.
func (Confidential) Format(f fmt.State, _ rune) { hide(f) }

// LogValue is ***.
func (Confidential) LogValue() slog.Value { return slog.StringValue(stars) }

// JSON is any JSON value. It may hold what is classified, and prints as ***.
type JSON []byte

// Format prints ***.
func (JSON) Format(f fmt.State, _ rune) { hide(f) }

// Scan reads a value as a database tells it; nothing is nil.
func (j *JSON) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*j = nil
	case []byte:
		*j = append(JSON{}, v...)
	case string:
		*j = JSON(v)
	default:
		return fmt.Errorf("a %T is no JSON", src)
	}
	return nil
}

// LogValue is ***.
func (JSON) LogValue() slog.Value { return slog.StringValue(stars) }

// Classified values print as ***, whatever they stand in: nobody logs a price by
// printing the order that it is of.

// Format prints ***.
func (UnitPrice) Format(f fmt.State, _ rune) { hide(f) }

// LogValue is ***.
func (UnitPrice) LogValue() slog.Value { return slog.StringValue(stars) }

// Format prints ***.
func (Totals) Format(f fmt.State, _ rune) { hide(f) }

// LogValue is ***.
func (Totals) LogValue() slog.Value { return slog.StringValue(stars) }

// Format prints ***.
func (CreditPosition) Format(f fmt.State, _ rune) { hide(f) }

// LogValue is ***.
func (CreditPosition) LogValue() slog.Value { return slog.StringValue(stars) }

// Format prints ***.
func (Contract) Format(f fmt.State, _ rune) { hide(f) }

// LogValue is ***.
func (Contract) LogValue() slog.Value { return slog.StringValue(stars) }

// Format prints ***.
func (PriceStep) Format(f fmt.State, _ rune) { hide(f) }

// LogValue is ***.
func (PriceStep) LogValue() slog.Value { return slog.StringValue(stars) }

func hide(f fmt.State) { _, _ = f.Write([]byte(stars)) }
