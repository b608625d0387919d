// Package ledger holds what Portico promised and to whom: operations and their steps, keys that
// were spent, answers of suppliers, messages and their receipts, partners, and the audit log.
package ledger
