package e2e

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// certify writes a certificate of its own authority, with a serial number.
func certify(t *testing.T, dir string, serial int64) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := x509.MarshalPKCS8PrivateKey(key)
	for name, block := range map[string]*pem.Block{
		"cert.pem": {Type: "CERTIFICATE", Bytes: der},
		"key.pem":  {Type: "PRIVATE KEY", Bytes: text},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// auditKey is a file with a key as openssl genpkey -algorithm ed25519 makes it.
func auditKey(t *testing.T, dir string) string {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	text, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "audit-key.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: text}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const productionFile = `
sources:
  erp: {adapter: sandbox-erp, url: http://%[1]s/erp, key_env: ERP_KEY}
  finance: {adapter: sandbox-ledger, url: http://%[1]s/erp, key_env: ERP_KEY}
  wms: {adapter: sandbox-wms, url: http://%[1]s/wms, key_env: ERP_KEY}
  carrier: {adapter: sandbox-carrier, url: http://%[1]s/carrier, key_env: ERP_KEY}
  crm: {adapter: sandbox-crm, url: http://%[1]s/crm, key_env: ERP_KEY}
routes: {pricing: erp, orders: erp, accounts: erp, categories: erp, contracts: erp, items: erp, purchase_orders: erp, returns: erp,
suppliers: erp, inventory: wms, warehouses: wms, shipments: wms, tracking: carrier, calendars: crm, credit: finance, invoices: finance}
issuers: [{url: %[2]s, audience: portico}]
`

// Covers: X04 X06 G05
func TestTheProductionProfileRefusesWhatIsNotSafeAndSaysWhichLine(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	certify(t, dir, 1)
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := write("good.yaml", fmt.Sprintf(productionFile, "localhost:1", "https://login.example.com"))
	plain := write("plain.yaml", fmt.Sprintf(productionFile, "localhost:1", "http://login.example.com"))
	safe := []string{
		"PORTICO_PROFILE=production", "PORTICO_CONFIG=" + good, "PORTICO_LINK_KEY=0123456789abcdefghijklmnopqrstuvwxyz", "ERP_KEY=sandbox-key",
		"PORTICO_ADDR=0.0.0.0:0",
		"PORTICO_DATA_KEY_FILE=" + write("data-keys", "9876543210zyxwvutsrqponmlkjihgfedcba\n"),
		"PORTICO_AUDIT_KEY_FILE=" + auditKey(t, dir), "PORTICO_AUDIT_FOLDER=" + filepath.Join(dir, "audit"),
		"PORTICO_TLS_CERT=" + filepath.Join(dir, "cert.pem"), "PORTICO_TLS_KEY=" + filepath.Join(dir, "key.pem"),
		"PORTICO_PUBLIC_URL=https://portal.example.com",
	}
	for name, c := range map[string]struct{ env, want string }{
		"no file":                    {"PORTICO_CONFIG=", "PORTICO_CONFIG"},
		"an issuer without TLS":      {"PORTICO_CONFIG=" + plain, "issuers[0].url"},
		"no link key":                {"PORTICO_LINK_KEY=", "PORTICO_LINK_KEY_FILE"},
		"a short link key":           {"PORTICO_LINK_KEY=short", "PORTICO_LINK_KEY"},
		"a link key that is none":    {"PORTICO_LINK_KEY=" + strings.Repeat("ab", 20), "PORTICO_LINK_KEY"},
		"a missing link key file":    {"PORTICO_LINK_KEY_FILE=/does/not/exist", "PORTICO_LINK_KEY_FILE"},
		"a link key file with none":  {"PORTICO_LINK_KEY_FILE=" + write("empty", "\n"), "there is no key in it"},
		"no key of the audit log":    {"PORTICO_AUDIT_KEY_FILE=", "PORTICO_AUDIT_KEY_FILE"},
		"no folder of its heads":     {"PORTICO_AUDIT_FOLDER=", "PORTICO_AUDIT_FOLDER"},
		"no data key":                {"PORTICO_DATA_KEY_FILE=", "PORTICO_DATA_KEY_FILE"},
		"a weak data key":            {"PORTICO_DATA_KEY_FILE=" + write("weak", strings.Repeat("ab", 20)), "random"},
		"plain HTTP for everybody":   {"PORTICO_TLS_CERT=", "PORTICO_TLS_KEY"},
		"a certificate that is none": {"PORTICO_TLS_CERT=" + good, "PORTICO_TLS_CERT"},
		"links without TLS":          {"PORTICO_PUBLIC_URL=http://portal.example.com", "PORTICO_PUBLIC_URL"},
		"pages of everybody":         {"PORTICO_ORIGINS=*", "PORTICO_ORIGINS"},
		"metrics for everybody":      {"PORTICO_ADMIN_ADDR=0.0.0.0:9464", "PORTICO_ADMIN_ADDR"},
		"a pace of tests":            {"PORTICO_PACE=5", "PORTICO_PACE"},
		"a key that is not set":      {"ERP_KEY=", "ERP_KEY"},
	} {
		cmd := exec.Command(binary, "serve")
		cmd.Env = append(append(append(os.Environ(), "PORTICO_DATA="+folder(t, true), "PORTICO_ADMIN_ADDR="+freeAddr(t)), safe...), c.env)
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), c.want) {
			t.Errorf("%s: got %v\n%s\nwant it refused with %q", name, err, out, c.want)
		}
	}
	both := exec.Command(binary, "serve")
	both.Env = append(append(append(os.Environ(), "PORTICO_DATA="+folder(t, true), "PORTICO_ADMIN_ADDR="+freeAddr(t)), safe...),
		"PORTICO_TLS_CERT=", "PORTICO_TLS_KEY=")
	if out, err := both.CombinedOutput(); err == nil || !strings.Contains(string(out), "PORTICO_ADDR") {
		t.Errorf("plain HTTP on a public address: %v\n%s", err, out)
	}
	if out, err := exec.Command("env", append(safe, binary, "token", "buyer")...).CombinedOutput(); err == nil ||
		!strings.Contains(string(out), "no development issuer") {
		t.Errorf("it makes tokens: %v\n%s", err, out)
	}
}

// Covers: X04 C01
func TestTheProductionProfileServesTLSAndNothingForDevelopers(t *testing.T) {
	t.Parallel()
	dir, data, company := t.TempDir(), folder(t, true), freeAddr(t)
	sandbox := exec.Command(binary, "sandbox", "--speed", "0")
	sandbox.Env = append(os.Environ(), "PORTICO_DATA="+folder(t, true), "PORTICO_SANDBOX_ADDR="+company)
	if err := sandbox.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = sandbox.Process.Kill(); _, _ = sandbox.Process.Wait() }()
	certify(t, dir, 1)
	file, keys, erpKey := filepath.Join(dir, "portico.yaml"), filepath.Join(dir, "keys"), filepath.Join(dir, "erp-key")
	for path, text := range map[string]string{file: strings.ReplaceAll(fmt.Sprintf(productionFile, company, "https://login.example.com"),
		"key_env: ERP_KEY", "key_file: "+erpKey), keys: "0123456789abcdefghijklmnopqrstuvwxyz\n", erpKey: "a key of last year"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := launch(t, data, "PORTICO_PROFILE=production", "PORTICO_PACE=1", "PORTICO_CONFIG="+file, "PORTICO_LINK_KEY_FILE="+keys,
		"PORTICO_DATA_KEY_FILE="+keys, "PORTICO_AUDIT_KEY_FILE="+auditKey(t, dir), "PORTICO_AUDIT_FOLDER="+filepath.Join(dir, "audit"),
		"PORTICO_TLS_CERT="+filepath.Join(dir, "cert.pem"), "PORTICO_TLS_KEY="+filepath.Join(dir, "key.pem"))
	defer func() { _ = s.stop() }()
	s.url = strings.Replace(s.url, "http://", "https://", 1)
	serial := func(versions uint16) (int64, error) {
		conn, err := tls.Dial("tcp", strings.TrimPrefix(s.url, "https://"),
			&tls.Config{InsecureSkipVerify: true, MaxVersion: versions}) //nolint:gosec // its own authority
		if err != nil {
			return 0, err
		}
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64(), nil
	}
	trusting := &tls.Config{InsecureSkipVerify: true} //nolint:gosec // its own authority
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: trusting}}
	s.until(t, 20*time.Second, "refused by its sources", func() bool {
		return strings.Contains(s.log.String(), "level=ERROR") || strings.Contains(s.log.String(), "level=WARN")
	})
	if strings.Contains(s.log.String(), "msg=ready") {
		t.Error("it loads with a key that is not the sources'")
	}
	if err := os.WriteFile(erpKey, []byte("sandbox-key\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.until(t, time.Minute, "ready with the new key", func() bool {
		resp, err := client.Get(s.url + "/readyz")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	for _, path := range []string{"/graphiql/", "/dev/personas", "/"} {
		resp, err := client.Get(s.url + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusNotFound || resp.Header.Get("Strict-Transport-Security") == "" {
			t.Errorf("%s: %d, %v", path, resp.StatusCode, resp.Header)
		}
	}
	for _, query := range []string{"{ __schema { types { name } } }", `{ __type(name: \"Order\") { name } }`, "{ _service { sdl } }"} {
		resp, err := client.Post(s.url+"/graphql", "application/json", strings.NewReader(`{"query":"`+query+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if !strings.Contains(string(body), "errors") || strings.Contains(string(body), "OrderLine") {
			t.Errorf("%s: %s", query, body)
		}
	}
	database := filepath.Join(dir, "database-url")
	if err := os.WriteFile(database, []byte("host="+filepath.Join(data, "socket")+" user=portico dbname=portico sslmode=disable\n"),
		0o600); err != nil {
		t.Fatal(err)
	}
	beside := exec.Command(binary, "revoke", "--token", "x")
	beside.Env = append(os.Environ(), "PORTICO_DATA="+t.TempDir(), "DATABASE_URL_FILE="+database)
	if out, err := beside.CombinedOutput(); err != nil || !strings.Contains(string(out), "Revoked") {
		t.Errorf("with the database's URL in a file: %v\n%s", err, out)
	}
	if _, err := serial(tls.VersionTLS11); err == nil {
		t.Error("it speaks TLS 1.1")
	}
	if n, err := serial(0); err != nil || n != 1 {
		t.Errorf("certificate %d, %v", n, err)
	}
	certify(t, dir, 2)
	s.within(t, 5*time.Second, "serving the new certificate", func() bool { n, err := serial(0); return err == nil && n == 2 })
	if err := os.WriteFile(filepath.Join(dir, "cert.pem"), []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.within(t, 5*time.Second, "told of a bad certificate",
		func() bool { _, _ = serial(0); return strings.Contains(s.log.String(), "changed files cannot be read") })
	if n, err := serial(0); err != nil || n != 2 {
		t.Errorf("with a bad certificate on disk: %d, %v", n, err)
	}
}
