package signatures

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// Mutation is a request of a supplier's client for one mutation with the variables key and
// in, as Portico wants it signed: the input as a document, and the request that has it.
func Mutation(ctx context.Context, url, token, query, key string, input any, keyID string, private ed25519.PrivateKey,
	at time.Time,
) (*http.Request, error) {
	text, err := json.Marshal(input)
	if err != nil {
		return nil, fmt.Errorf("input: %w", err)
	}
	document, err := Canonical(text)
	if err != nil {
		return nil, err
	}
	jws, err := SignDocument(document, keyID, private)
	if err != nil {
		return nil, err
	}
	signed := slices.Concat(document[:len(document)-1], fmt.Appendf(nil, `,"signature":%q}`, jws))
	body, err := json.Marshal(map[string]any{"query": query, "variables": map[string]any{"key": key, "in": json.RawMessage(signed)}})
	if err != nil {
		return nil, fmt.Errorf("request: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("request: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	m := &Message{Method: req.Method, Authority: Authority(req.URL), Target: req.URL.RequestURI(), Header: req.Header, Body: body}
	if err := m.Sign(keyID, private, at); err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	return req, nil
}
