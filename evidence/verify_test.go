package evidence_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"portico/evidence"
	"portico/evidence/signatures"
	"portico/trade/procurement"
)

func TestWhatHoldsIsFoundSoAndSurvivesItsFile(t *testing.T) {
	s := honest(t)
	text, err := json.Marshal(s.bundle)
	if err != nil {
		t.Fatal(err)
	}
	var read evidence.Bundle
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	r := read.Verify(s.log.key)
	if len(r.Wrong) > 0 || r.Messages != 2 || r.Receipts != 2 || r.Entries != 8 {
		t.Errorf("%d messages, %d receipts, %d entries, wrong: %q; want 2, 2, 8 and nothing", r.Messages, r.Receipts, r.Entries, r.Wrong)
	}
}

// TestWhatWasTamperedWithIsNamed does to a bundle what somebody could do who has something to
// hide, and asks for the sentence that says so.
func TestWhatWasTamperedWithIsNamed(t *testing.T) {
	later, none := noon.Add(30*time.Second), (*time.Time)(nil)
	for name, c := range map[string]struct {
		change func(t *testing.T, s *scene, b *evidence.Bundle)
		want   string
	}{
		"another format": {func(_ *testing.T, _ *scene, b *evidence.Bundle) { b.Version = 2 }, "this program reads 1"},
		"a byte of a message": {func(_ *testing.T, _ *scene, b *evidence.Bundle) {
			b.Messages[0].Body = []byte(strings.Replace(string(b.Messages[0].Body), "ACCEPTED", "REJECTED", 1))
		}, "message msg_1: its bytes were changed"},
		"bytes and digest": {func(_ *testing.T, _ *scene, b *evidence.Bundle) {
			m := &b.Messages[1]
			m.Body = append(m.Body, ' ')
			m.Digest = signatures.Digest(m.Body)
		}, "message msg_2: its bytes are not those that the audit log has"},
		"a document that was not sent": {func(t *testing.T, s *scene, b *evidence.Bundle) {
			m := &b.Messages[1]
			m.Canonical = []byte(`{"kind":"REJECTED"}`)
			jws, err := signatures.SignDocument(m.Canonical, s.second.id, s.second.private)
			if err != nil {
				t.Fatal(err)
			}
			m.DocumentSignature = &jws
		}, "message msg_2: its document is not in its bytes"},
		"a later arrival": {func(_ *testing.T, _ *scene, b *evidence.Bundle) {
			b.Messages[0].ArrivedAt = later
		}, "message msg_1: it did not arrive when it says"},
		"an earlier arrival": {func(_ *testing.T, _ *scene, b *evidence.Bundle) {
			b.Messages[0].ArrivedAt = noon.Add(-time.Second)
		}, "message msg_1: it did not arrive when it says"},
		"another kind": {func(_ *testing.T, _ *scene, b *evidence.Bundle) {
			b.Messages[0].Document = "DESPATCH"
		}, "message msg_1: its key or its kind"},
		"another key": {func(_ *testing.T, s *scene, b *evidence.Bundle) {
			b.Messages[1].Key = s.first.id
		}, "message msg_2: its key or its kind"},
		"a key that is gone": {func(_ *testing.T, _ *scene, b *evidence.Bundle) {
			b.Keys = b.Keys[1:]
		}, "message msg_1: its key key_1 is not there"},
		"no signature at all": {func(_ *testing.T, _ *scene, b *evidence.Bundle) {
			b.Messages[1].DocumentSignature = nil
		}, "message msg_2: it has no signature"},
		"a signature of somebody else": {func(t *testing.T, s *scene, b *evidence.Bundle) {
			jws, err := signatures.SignDocument(b.Messages[1].Canonical, s.second.id, s.forger.private)
			if err != nil {
				t.Fatal(err)
			}
			b.Messages[1].DocumentSignature = &jws
		}, "message msg_2: the signature of its document does not hold"},
		"a request without what was signed": {func(_ *testing.T, _ *scene, b *evidence.Bundle) {
			b.Messages[0].SignatureBase = nil
		}, "message msg_1: the signature of its request does not hold: what it is over is missing"},
		"another base beside the request": {func(_ *testing.T, _ *scene, b *evidence.Bundle) {
			base := strings.Replace(*b.Messages[0].SignatureBase, "/graphql", "/other", 1)
			b.Messages[0].SignatureBase = &base
		}, "message msg_1: the signature of its request does not hold: it was changed"},
		"another target": {func(_ *testing.T, _ *scene, b *evidence.Bundle) {
			b.Messages[0].Request.Target = "/other"
		}, "message msg_1: the signature of its request does not hold"},
		"another signature beside the request": {func(_ *testing.T, _ *scene, b *evidence.Bundle) {
			b.Messages[0].Signature = slices.Repeat([]byte{1}, ed25519.SignatureSize)
		}, "message msg_1: the signature of its request does not hold: it was changed"},
		"a message left out": {func(_ *testing.T, _ *scene, b *evidence.Bundle) {
			b.Messages = b.Messages[:1]
		}, "message msg_2 is missing: the audit log has it"},
		"a message made up": {func(t *testing.T, s *scene, b *evidence.Bundle) {
			b.Messages = append(b.Messages, s.message(t, "msg_9", s.first, noon, true))
		}, "message msg_9: the audit log does not have it"},
		"a message of another order": {func(t *testing.T, s *scene, b *evidence.Bundle) {
			b.Messages = append(b.Messages, s.message(t, "msg_3", s.first, noon, true))
		}, "message msg_3: the audit log does not have it"},
		"a replaced key": {func(_ *testing.T, s *scene, b *evidence.Bundle) {
			b.Keys[0].PublicKey = s.forger.text
		}, "key key_1 is not the one that was added: it was replaced"},
		"a replaced key and its fingerprint": {func(_ *testing.T, s *scene, b *evidence.Bundle) {
			b.Keys[0].PublicKey, b.Keys[0].Fingerprint = s.forger.text, signatures.Fingerprint(s.forger.public)
		}, "key key_1 is not the one that was added: it was replaced"},
		"a key that nobody added": {func(_ *testing.T, s *scene, b *evidence.Bundle) {
			b.Keys = append(b.Keys, evidence.Key{ID: "key_9", PublicKey: s.forger.text, Fingerprint: signatures.Fingerprint(s.forger.public)})
		}, "key key_9 is not the one that was added"},
		"a key that is none": {func(_ *testing.T, _ *scene, b *evidence.Bundle) {
			b.Keys[0].PublicKey = "none"
		}, "key key_1: it is no PEM of one PUBLIC KEY"},
		"a revocation left out": {func(_ *testing.T, _ *scene, b *evidence.Bundle) {
			b.Keys[1].RevokedAt = none
		}, "key key_2: its validity was changed"},
		"a revocation made up": {func(_ *testing.T, _ *scene, b *evidence.Bundle) {
			b.Keys[0].RevokedAt = &later
		}, "key key_1: its validity was changed"},
		"a proof left out": {func(_ *testing.T, _ *scene, b *evidence.Bundle) {
			b.Keys[0].VerifiedAt = none
		}, "key key_1: its validity was changed"},
		"a beginning put off": {func(_ *testing.T, _ *scene, b *evidence.Bundle) {
			b.Keys[0].ValidFrom = later
		}, "key key_1: its validity was changed"},
		"a proof after the answer": {func(_ *testing.T, _ *scene, b *evidence.Bundle) {
			b.Keys[0].VerifiedAt = &later
		}, "message msg_1: its key did not count when it arrived"},
		"revoked before it came": {func(_ *testing.T, _ *scene, b *evidence.Bundle) {
			b.Keys[1].RevokedAt = &noon
		}, "message msg_2: its key did not count when it arrived: The key was revoked."},
		"no receipt of arrival": {func(_ *testing.T, _ *scene, b *evidence.Bundle) {
			b.Messages[0].Receipts = nil
		}, "message msg_1: the receipt of its arrival is missing"},
		"a receipt of another message": {func(_ *testing.T, _ *scene, b *evidence.Bundle) {
			b.Messages[0].Receipts = b.Messages[1].Receipts
		}, "message msg_1: its receipt " + string(procurement.ArrivalReceipt) + " is not the one that was given"},
		"another outcome": {func(_ *testing.T, _ *scene, b *evidence.Bundle) {
			b.Messages[0].Receipts[0].Outcome = "REJECTED"
		}, "is not the one that was given"},
		"another moment of a receipt": {func(_ *testing.T, _ *scene, b *evidence.Bundle) {
			b.Messages[0].Receipts[0].IssuedAt = later
		}, "is not the one that was given"},
		"a receipt by the supplier": {func(t *testing.T, s *scene, b *evidence.Bundle) {
			s.receipts.private = s.first.private
			b.Messages[0].Receipts[0] = s.receipt(t, b.Messages[0].Digest, string(procurement.ArrivalReceipt), "ACCEPTED", noon)
		}, "is not the one that was given"},
		"a receipt key that is gone": {func(_ *testing.T, _ *scene, b *evidence.Bundle) { b.ReceiptKeys = nil }, "is not the one that was given"},
		"a receipt key that is none": {func(_ *testing.T, _ *scene, b *evidence.Bundle) {
			b.ReceiptKeys[0].PublicKey = "none"
		}, "receipt key receipts-1: it is no PEM"},
		"an entry's text": {func(_ *testing.T, _ *scene, b *evidence.Bundle) {
			b.Log.Entries[4].Text = strings.Replace(b.Log.Entries[4].Text, "RESPONSE", "DESPATCH", 1)
		}, "entry 4 of the audit log is not in the tree whose head was signed"},
		"an entry's place": {func(_ *testing.T, _ *scene, b *evidence.Bundle) {
			b.Log.Entries[4].Index = 5
		}, "entry 5 of the audit log is not in the tree"},
		"an entry left out": {func(_ *testing.T, _ *scene, b *evidence.Bundle) {
			b.Log.Entries = slices.Delete(b.Log.Entries, 7, 8)
		}, "key key_2: its validity was changed"},
		"a head by another log": {func(t *testing.T, s *scene, b *evidence.Bundle) {
			other := newNotary(t)
			other.texts, other.hashes, other.indexes = s.log.texts, s.log.hashes, s.log.indexes
			b.Log = other.log()
		}, "the head of the audit log is signed with another key than the one that is trusted"},
		"a head that nobody signed": {func(_ *testing.T, _ *scene, b *evidence.Bundle) {
			b.Log.Head = strings.Replace(b.Log.Head, "\n8\n", "\n7\n", 1)
		}, "entry 0 of the audit log is not in the tree whose head was signed"},
	} {
		t.Run(name, func(t *testing.T) {
			s := honest(t)
			c.change(t, s, s.bundle)
			r := s.bundle.Verify(s.log.key)
			if !slices.ContainsFunc(r.Wrong, func(w string) bool { return strings.Contains(w, c.want) }) {
				t.Errorf("found %q, want %q", r.Wrong, c.want)
			}
		})
	}
}

// TestALogOfAnotherCountsOnlyUntilItsKeyIsKnown says what the bundle's own key is worth.
func TestALogOfAnotherCountsOnlyUntilItsKeyIsKnown(t *testing.T) {
	s := honest(t)
	other := newNotary(t)
	other.texts, other.hashes, other.indexes = s.log.texts, s.log.hashes, s.log.indexes
	s.bundle.Log = other.log()
	if r := s.bundle.Verify(); len(r.Wrong) > 0 {
		t.Errorf("by its own key: %q", r.Wrong)
	}
	if r := s.bundle.Verify(s.log.key); len(r.Wrong) != 1 {
		t.Errorf("by the key that is known: %q, want one thing wrong", r.Wrong)
	}
}

// free are the parts of a bundle that nobody signed: what an export says of itself, and moments of a
// key, of which the log says only that they were.
var free = []string{
	".exportedAt",
	".purchaseOrder.number",
	".purchaseOrder.supplier",
	".keys.0.verifiedAt",
	".keys.1.verifiedAt",
	".keys.1.revokedAt",
}

// TestNoTextOfABundleCanBeAnother changes every value of a bundle's file, one at a time.
func TestNoTextOfABundleCanBeAnother(t *testing.T) {
	s := honest(t)
	text, err := json.Marshal(s.bundle)
	if err != nil {
		t.Fatal(err)
	}
	var whole any
	if err := json.Unmarshal(text, &whole); err != nil {
		t.Fatal(err)
	}
	tried := 0
	var walk func(path string, v any, set func(any))
	walk = func(path string, v any, set func(any)) {
		switch v := v.(type) {
		case map[string]any:
			for name, x := range v {
				walk(path+"."+name, x, func(other any) { v[name] = other })
			}
			return
		case []any:
			for i, x := range v {
				walk(fmt.Sprint(path, ".", i), x, func(other any) { v[i] = other })
			}
			return
		case string:
			at := len(v) / 2
			other := byte('A')
			if v[at] == other {
				other = 'B'
			}
			if v[at] >= '0' && v[at] <= '9' { // so that moments stay moments
				other = '0' + (v[at]-'0'+1)%10
			}
			set(v[:at] + string(other) + v[at+1:])
			defer set(v)
		case float64:
			set(v + 1)
			defer set(v)
		default:
			return
		}
		if slices.Contains(free, path) {
			return
		}
		tried++
		changed, err := json.Marshal(whole)
		if err != nil {
			t.Fatal(err)
		}
		var b evidence.Bundle
		if json.Unmarshal(changed, &b) == nil && len(b.Verify(s.log.key).Wrong) == 0 {
			t.Errorf("%s is another, and nothing is wrong", path)
		}
	}
	walk("", whole, nil)
	if tried < 60 {
		t.Errorf("%d values were changed, want all", tried)
	}
}

func TestAHeadIsReadOnlyAsItIsWritten(t *testing.T) {
	n := newNotary(t)
	verifier, err := note.NewVerifier(n.key)
	if err != nil {
		t.Fatal(err)
	}
	hash := base64.StdEncoding.EncodeToString(make([]byte, tlog.HashSize))
	for text, good := range map[string]bool{
		evidence.HeadTitle + "\n7\n" + hash + "\n":          true,
		"another log\n7\n" + hash + "\n":                    false,
		evidence.HeadTitle + "\nseven\n" + hash + "\n":      false,
		evidence.HeadTitle + "\n7\n" + hash[:20] + "\n":     false,
		evidence.HeadTitle + "\n7\nnot base64\n":            false,
		evidence.HeadTitle + "\n7\n" + hash + "\nmore\n":    false,
		evidence.HeadTitle + "\n7\n":                        false,
		evidence.HeadTitle + "\n7\n" + hash + "AAAA" + "\n": false,
	} {
		signed, err := note.Sign(&note.Note{Text: text}, n.signer)
		if err != nil {
			t.Fatal(err)
		}
		head, err := evidence.ReadHead(signed, verifier)
		if (err == nil) != good || good && head.N != 7 {
			t.Errorf("%q: %+v, %v", text, head, err)
		}
	}
}
