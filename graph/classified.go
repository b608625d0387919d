package graph

import (
	"fmt"
	"io"
	"log/slog"
)

// Prices that callers give print as ***, as those that they are told do.

// Format prints ***.
func (UnitPriceInput) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "***") }

// LogValue is ***.
func (UnitPriceInput) LogValue() slog.Value { return slog.StringValue("***") }
