package e2e

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"portico/test/e2e/api"
)

// isRefused sends an answer with what can be wrong with a
// signature: nothing of it is taken, each is told why, and each is in the audit log.
func (g *signer) isRefused(t *testing.T, p *supplying) {
	t.Helper()
	po := p.purchaseFrom(t, "V2002", g.persona, 50, "SCR-10003")
	partner := p.profile(t, "operator", "V2002")
	_, stranger, _ := ed25519.GenerateKey(rand.Reader)
	others := p.newKey(t, "supplier", p.profile(t, "operator", "V2001").Id)
	revoked := p.newKey(t, "supplier-other", partner.Id)
	must(api.RevokePartnerKey(p.s.as(t, "supplier-other"), p.key(), api.RevokePartnerKeyInput{Key: revoked.keyID, Reason: "lost"}))
	unproved := p.addKey(t, "supplier-other", partner.Id, time.Now())
	early := p.addKey(t, "supplier-other", partner.Id, time.Now().Add(time.Hour))
	p.prove(t, "supplier-other", early)

	swapped := func(name, with string) func(*letter) {
		return func(l *letter) {
			l.components = slices.Clone(l.components)
			l.components[slices.Index(l.components, name)] = with
		}
	}
	without := func(name string) func(*letter) {
		return func(l *letter) {
			l.components = slices.DeleteFunc(slices.Clone(l.components), func(c string) bool { return c == name })
		}
	}
	after := func(do func(*letter)) func(*letter) { return func(l *letter) { l.after = do } }
	edited := func(header, old, with string) func(*letter) {
		return after(func(l *letter) { l.header.Set(header, strings.Replace(l.header.Get(header), old, with, 1)) })
	}
	flipped := func(l *letter) {
		l.header.Set("Signature", strings.Replace(l.header.Get("Signature"), ":", ":A", 1))
		text := l.header.Get("Signature")
		l.header.Set("Signature", text[:len(text)-2]+":")
	}
	params := func(format string) func(*letter) {
		return func(l *letter) {
			l.params = strings.NewReplacer("$c", fmt.Sprint(l.created), "$e", fmt.Sprint(l.expires), "$n", l.nonce, "$k", l.keyID).Replace(format)
		}
	}
	tried := 0
	for _, tt := range []struct {
		name, why string // a part of the reason
		of        *signer
		do        func(*letter)
	}{
		{
			name: "no signature at all", why: "Signature-Input are missing",
			do: after(func(l *letter) { l.header.Del("Signature"); l.header.Del("Signature-Input") }),
		},
		{name: "no Signature", why: "the same label", do: after(func(l *letter) { l.header.Del("Signature") })},
		{name: "no Signature-Input", why: "the same label", do: after(func(l *letter) { l.header.Del("Signature-Input") })},
		{
			name: "Signature-Input that is no dictionary", why: "no dictionary",
			do: after(func(l *letter) { l.header.Set("Signature-Input", "sig1=(") }),
		},
		{name: "Signature that is no dictionary", why: "no dictionary", do: after(func(l *letter) { l.header.Set("Signature", "sig1=:::") })},
		{name: "another label", why: "the same label", do: edited("Signature", "sig1", "sig2")},
		{name: "two signatures, one of them bad", why: "Sign once", do: after(func(l *letter) {
			l.header.Set("Signature", l.header.Get("Signature")+", sig2=:AAAA:")
			l.header.Set("Signature-Input", l.header.Get("Signature-Input")+`, sig2=("@method")`)
		})},
		{
			name: "a second Signature-Input beside it", why: "Sign once",
			do: after(func(l *letter) { l.header.Add("Signature-Input", `sig2=("@method")`) }),
		},
		{name: "components that are no list", why: "no list", do: after(func(l *letter) { l.header.Set("Signature-Input", `sig1="@method"`) })},
		{name: "a signature that is text", why: "64 bytes", do: after(func(l *letter) { l.header.Set("Signature", `sig1="abc"`) })},
		{
			name: "a signature that is cut off", why: "no dictionary",
			do: after(func(l *letter) { l.header.Set("Signature", l.header.Get("Signature")[:40]+":") }),
		},
		{name: "a signature with a bit changed", why: "altered", do: after(func(l *letter) { changeBit(l) })},
		{name: "a signature that is shifted", why: "64 bytes", do: after(flipped)},
		{
			name: "another body, with the digest of the first", why: "Content-Digest is not",
			do: after(func(l *letter) { l.body = bytes.Replace(l.body, []byte("ACCEPTED"), []byte("REJECTED"), 1) }),
		},
		{name: "another body, with its own digest", why: "altered", do: after(func(l *letter) {
			l.body = bytes.Replace(l.body, []byte("ACCEPTED"), []byte("REJECTED"), 1)
			l.header.Set("Content-Digest", sha(l.body))
		})},
		{name: "a byte more at the body's end", why: "Content-Digest is not", do: after(func(l *letter) { l.body = append(l.body, ' ') })},
		{name: "no digest", why: "neither sha-256", do: after(func(l *letter) { l.header.Del("Content-Digest") })},
		{name: "a digest that is none", why: "no dictionary", do: func(l *letter) { l.header.Set("Content-Digest", "sha-256=:") }},
		{
			name: "a digest by a way that is not safe", why: "neither sha-256 nor sha-512",
			do: func(l *letter) { l.header.Set("Content-Digest", "md5=:AAAA:") },
		},
		{name: "one digest right, and one wrong", why: "Content-Digest is not", do: func(l *letter) {
			sum := sha512.Sum512([]byte("another"))
			l.header.Set("Content-Digest", sha(l.body)+", sha-512=:"+base64.StdEncoding.EncodeToString(sum[:])+":")
		}},
		{name: "the method not covered", why: `"@method"`, do: without(`"@method"`)},
		{name: "the authority not covered", why: `"@authority"`, do: without(`"@authority"`)},
		{name: "the path not covered", why: `"@path"`, do: without(`"@path"`)},
		{name: "the digest not covered", why: `"content-digest"`, do: without(`"content-digest"`)},
		{name: "the type not covered", why: `"content-type"`, do: without(`"content-type"`)},
		{name: "nothing covered", why: "does not cover", do: func(l *letter) { l.components = nil }},
		{name: "a component twice", why: "twice", do: func(l *letter) { l.components = append(slices.Clone(l.components), `"@path"`) }},
		{name: "a component with a parameter", why: "without parameters", do: swapped(`"content-type"`, `"content-type";sf`)},
		{
			name: "a secret covered", why: "cannot be covered",
			do: func(l *letter) { l.components = append(slices.Clone(l.components), `"authorization"`) },
		},
		{
			name: "a header covered that is not there", why: "does not have",
			do: func(l *letter) { l.components = append(slices.Clone(l.components), `"date"`) },
		},
		{
			name: "the query covered that is not there", why: "does not have",
			do: func(l *letter) { l.components = append(slices.Clone(l.components), `"@query"`) },
		},
		{
			name: "components in another order than they were signed", why: "altered",
			do: edited("Signature-Input", `"@method" "@authority"`, `"@authority" "@method"`),
		},
		{name: "parameters in another order than they were signed", why: "altered", do: after(func(l *letter) {
			l.header.Set("Signature-Input",
				"sig1=("+strings.Join(l.components,
					" ")+fmt.Sprintf(`);expires=%d;created=%d;nonce="%s";keyid="%s";alg="ed25519";tag="portico-procurement"`, l.expires, l.created,
					l.nonce, l.keyID))
		})},
		{name: "signed for another place", why: "altered", do: func(l *letter) { l.authority = "portico.example" }},
		{
			name: "signed for another path", why: "altered",
			do: after(func(l *letter) { l.header.Set("Signature", remade(l, `"@path": /graphql`, `"@path": /graphql/`)) }),
		},
		{
			name: "signed as another method", why: "altered",
			do: after(func(l *letter) { l.header.Set("Signature", remade(l, `"@method": POST`, `"@method": PUT`)) }),
		},
		{
			name: "signed as another type", why: "altered",
			do: after(func(l *letter) { l.header.Set("Content-Type", "application/json; charset=utf-8") }),
		},
		{name: "signed 301 s ago", why: "300 s", do: func(l *letter) { l.created -= 301; l.expires -= 1 }},
		{name: "signed 301 s from now", why: "300 s", do: func(l *letter) { l.created += 310; l.expires += 310 }},
		{name: "expired", why: "has expired", do: func(l *letter) { l.created -= 100; l.expires = l.created + 50 }},
		{name: "good for longer than may be", why: "300 s at most", do: func(l *letter) { l.expires = l.created + 301 }},
		{name: "expired before it was made", why: "300 s at most", do: func(l *letter) { l.expires = l.created }},
		{name: "no time", why: `"created"`, do: params(`;expires=$e;nonce="$n";keyid="$k";alg="ed25519";tag="portico-procurement"`)},
		{name: "no end", why: `"expires"`, do: params(`;created=$c;nonce="$n";keyid="$k";alg="ed25519";tag="portico-procurement"`)},
		{name: "no nonce", why: `"nonce"`, do: params(`;created=$c;expires=$e;keyid="$k";alg="ed25519";tag="portico-procurement"`)},
		{name: "no key", why: `"keyid"`, do: params(`;created=$c;expires=$e;nonce="$n";alg="ed25519";tag="portico-procurement"`)},
		{name: "no algorithm", why: `"alg"`, do: params(`;created=$c;expires=$e;nonce="$n";keyid="$k";tag="portico-procurement"`)},
		{name: "no tag", why: `"tag"`, do: params(`;created=$c;expires=$e;nonce="$n";keyid="$k";alg="ed25519"`)},
		{
			name: "a parameter that is not known", why: "not known",
			do: params(`;created=$c;expires=$e;nonce="$n";keyid="$k";alg="ed25519";tag="portico-procurement";more=1`),
		},
		{
			name: "a time that is text", why: "whole seconds",
			do: params(`;created="$c";expires=$e;nonce="$n";keyid="$k";alg="ed25519";tag="portico-procurement"`),
		},
		{
			name: "a time with a fraction", why: "whole seconds",
			do: params(`;created=$c.5;expires=$e;nonce="$n";keyid="$k";alg="ed25519";tag="portico-procurement"`),
		},
		{name: "a short nonce", why: "16 to 128", do: func(l *letter) { l.nonce = "short" }},
		{name: "a tag for something else", why: "tag must be", do: func(l *letter) { l.tag = "another" }},
		{name: "another algorithm", why: "alg must be", do: func(l *letter) { l.alg = "rsa-pss-sha512" }},
		{name: "none as algorithm", why: "alg must be", do: func(l *letter) { l.alg = "none" }},
		{name: "the public key as a shared secret", why: "alg must be", do: func(l *letter) {
			l.alg = "hmac-sha256"
			l.after = func(l *letter) {
				mac := hmac.New(sha256.New, g.private.Public().(ed25519.PublicKey))
				mac.Write([]byte("x"))
				l.header.Set("Signature", "sig1=:"+base64.StdEncoding.EncodeToString(append(mac.Sum(nil), mac.Sum(nil)...))+":")
			}
		}},
		{name: "a key that nobody has", why: "none of this partner", do: func(l *letter) { l.keyID = "key_0123" }},
		{name: "a key's id with quotes in it", why: "", do: func(l *letter) { l.keyID = `key_\"; drop` }},
		{name: "the right key's id, and another key", why: "altered", do: func(l *letter) { l.key = stranger }},
		{
			name: "another supplier's key", why: "none of this partner",
			of: &signer{s: p.s, persona: g.persona, keyID: others.keyID, private: others.private},
		},
		{name: "a key that was revoked", why: "revoked", of: revoked},
		{name: "a key that is not proved", why: "not proved", of: unproved.signer},
		{name: "a key that is not valid yet", why: "not valid yet", of: early.signer},
		{name: "no signature of the document", why: "input's signature", do: func(l *letter) {
			l.body = bytes.Replace(l.body, []byte(`"signature":`), []byte(`"supplierOrderNumber":`), 1)
		}},
		{
			name: "the document altered, the request signed", why: "document's signature",
			do: func(l *letter) { l.body = bytes.Replace(l.body, []byte(`"ACCEPTED"`), []byte(`"REJECTED"`), 1) },
		},
		{name: "a document's signature that is none", why: "no detached JWS", do: func(l *letter) { l.body = replaced(l.body, "x") }},
		{
			name: "a document's signature with its payload", why: "no detached JWS",
			do: func(l *letter) { l.body = replaced(l.body, "e30.e30.AAAA") },
		},
		{name: "a document signed by nobody", why: "EdDSA", do: func(l *letter) {
			l.body = replaced(l.body, base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","kid":"`+g.keyID+`"}`))+"..")
		}},
		{
			name: "a document signed with another key", why: "another key than the request",
			do: func(l *letter) { l.body = replaced(l.body, others.jws([]byte("{}"))) },
		},
		{
			name: "a document signed for another", why: "document's signature",
			do: func(l *letter) { l.body = replaced(l.body, g.jws([]byte("{}"))) },
		},
		{name: "an input that is no variable", why: "one variable", do: func(l *letter) {
			l.body = bytes.Replace(l.body, []byte("input: $in"),
				[]byte(`input: {purchaseOrder: \"`+po.Id+`\", expectedRevision: 1, responseNumber: \"X\", kind: ACCEPTED, signature: \"`+
					g.jws([]byte("{}"))+`\"}`), 1)
			l.body = bytes.Replace(l.body, []byte(", $in: PurchaseOrderResponseInput!"), nil, 1)
		}},
		{name: "two mutations in a request", why: "one variable", do: func(l *letter) {
			l.body = bytes.Replace(l.body, []byte("respondToPurchaseOrder("),
				[]byte("also: acknowledgeAlert(idempotencyKey: \\\"0123456789abcdef\\\", input: {alert: \\\"alr_0\\\"}) { replayed } "+
					"respondToPurchaseOrder("), 1)
		}},
	} {
		tried++
		of := g
		if tt.of != nil {
			of = tt.of
		}
		l := of.responding(p.key(), of.sealed(document(t, p.accepted(po))))
		if tt.do != nil {
			tt.do(l)
		}
		a := of.sent(t, l)
		if why := refusedFor(a); why == "" || !strings.Contains(why, tt.why) {
			t.Errorf("%s: want %q, got %s", tt.name, tt.why, asJSON(a))
		}
	}
	if now := p.purchased(t, g.persona, po.Number); now.Status != api.PurchaseOrderStatusSent || len(now.Responses) != 0 {
		t.Errorf("something was taken: %s", asJSON(now))
	}
	var refused *api.AuditChangesResponse
	p.s.until(t, 20*time.Second, "audited", func() bool {
		refused = must(api.AuditChanges(p.s.as(t, "operator"), &api.AuditFilter{Subject: &partner.Id, Action: new("message.refuse")}))
		return len(refused.AuditLog.Nodes) >= tried
	})
	if strings.Contains(asJSON(refused), "Bearer") {
		t.Error("the audit log tells tokens")
	}
}

// changeBit changes one bit of a signature.
func changeBit(l *letter) {
	text := strings.Trim(strings.TrimPrefix(l.header.Get("Signature"), "sig1="), ":")
	raw, _ := base64.StdEncoding.DecodeString(text)
	raw[10] ^= 1
	l.header.Set("Signature", "sig1=:"+base64.StdEncoding.EncodeToString(raw)+":")
}

// remade is the letter's signature over another base.
func remade(l *letter, old, with string) string {
	var base strings.Builder
	for _, c := range l.components {
		base.WriteString(c + ": " + l.value(c) + "\n")
	}
	base.WriteString(`"@signature-params": ` + strings.TrimPrefix(l.header.Get("Signature-Input"), "sig1="))
	return "sig1=:" + base64.StdEncoding.EncodeToString(ed25519.Sign(l.key, []byte(strings.Replace(base.String(), old, with, 1)))) + ":"
}

// replaced is a body with another signature of its document.
func replaced(body []byte, with string) []byte {
	at := bytes.Index(body, []byte(`"signature":"`)) + len(`"signature":"`)
	end := at + bytes.IndexByte(body[at:], '"')
	return slices.Concat(body[:at], []byte(with), body[end:])
}
