package evidence

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// HeadTitle is the first line of a head of the audit log.
const HeadTitle = "portico audit log"

// ReadHead reads a signed head of the audit log: the size and the hash of a tree as RFC 6962
// has it, in a note that verifier holds to be signed.
func ReadHead(text []byte, verifier note.Verifier) (head tlog.Tree, err error) {
	n, err := note.Open(text, note.VerifierList(verifier))
	if err != nil {
		return head, err
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) != 4 || lines[0] != HeadTitle {
		return head, errors.New("it is none")
	}
	if head.N, err = strconv.ParseInt(lines[1], 10, 64); err != nil {
		return head, err
	}
	raw, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(raw) != tlog.HashSize {
		return head, errors.New("its hash is none")
	}
	head.Hash = tlog.Hash(raw)
	return head, nil
}

// Proofs are what shows that entries are in the tree whose head was signed.
type Proofs struct {
	Head  string // signed, as it stands in the file of heads
	Key   string // that signed it
	Paths []tlog.RecordProof
}

// Contains tells whether an entry with an index is in the tree whose signed head the
// proofs have, by the entry's text alone.
func (p *Proofs) Contains(index int64, text string, path tlog.RecordProof) error {
	verifier, err := note.NewVerifier(p.Key)
	if err != nil {
		return fmt.Errorf("audit log: its key is none: %w", err)
	}
	head, err := ReadHead([]byte(p.Head), verifier)
	if err != nil {
		return fmt.Errorf("audit log: its head: %w", err)
	}
	return tlog.CheckRecord(path, head.N, head.Hash, index, tlog.RecordHash([]byte(text)))
}
