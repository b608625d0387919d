package main

import (
	"crypto/ed25519"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Cases: H10
func TestATestDocumentIsToldAsOne(t *testing.T) {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, payload := range map[string]string{
		"a test":         `{"errors":[],"operation":null,"response":null,"receipt":null}`,
		"a signed test":  `{"errors":[],"operation":null,"response":null,"receipt":{"kind":"ARRIVAL","outcome":null,"issuedAt":"2026-01-01T00:00:00Z"}}`,
		"without a sign": `{"errors":[],"operation":{"state":"COMMITTED"},"response":{"id":"por_1"},"receipt":null}`,
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			answer := `{"data":{"purchaseOrder":{"id":"po_1","revision":1}}}`
			if strings.Contains(string(body), "respondToPurchaseOrder") {
				answer = `{"data":{"out":` + payload + `}}`
			}
			_, _ = io.WriteString(w, answer)
		}))
		c := &client{url: server.URL, token: "t", keyID: "k", key: key}
		if err := c.accept("4711"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		server.Close()
	}
}
