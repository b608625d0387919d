package app

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// configured are the settings that a command line leads to.
func configured(t *testing.T, args ...string) (Config, error) {
	t.Helper()
	for _, name := range []string{
		"PORTICO_PROFILE", "PORTICO_ADDR", "DATABASE_URL", "PORTICO_CONFIG", "PORTICO_LINK_KEY", "PORTICO_TLS_CERT", "PORTICO_DATA",
	} {
		if v, set := os.LookupEnv(name); set {
			t.Setenv(name, v)
			_ = os.Unsetenv(name)
		}
	}
	var c Config
	parser, err := kong.New(&c, kong.Vars{"data": t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	_, err = parser.Parse(args)
	return c, err
}

func written(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestASettingThatIsWrongIsNamed starts with settings that nobody should have.
func TestASettingThatIsWrongIsNamed(t *testing.T) {
	if c, err := configured(t); err != nil || c.PublicURL != "http://localhost:8080" || !c.File.Sandbox || len(c.networks) != 2 {
		t.Fatalf("with nothing said: %s, %v", c.PublicURL, err)
	}
	const key = "0123456789abcdefghijklmnopqrstuvwxyz"
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"an address without a port":       {[]string{"--addr=localhost"}, "PORTICO_ADDR"},
		"an address that anybody reaches": {[]string{"--addr=0.0.0.0:8080"}, "PORTICO_ADDR"},
		"metrics for anybody":             {[]string{"--admin-addr=0.0.0.0:9464"}, "PORTICO_ADMIN_ADDR"},
		"a network that is none":          {[]string{"--webhook-networks=10.1"}, "PORTICO_WEBHOOK_NETWORKS"},
		"less than nothing kept":          {[]string{"--keep-changes=-1h"}, "PORTICO_KEEP_CHANGES"},
		"fewer deliveries than none":      {[]string{"--keep-deliveries=-1h"}, "PORTICO_KEEP_DELIVERIES"},
		"fewer operations than none":      {[]string{"--keep-operations=-1h"}, "PORTICO_KEEP_OPERATIONS"},
		"more than all traces":            {[]string{"--trace-share=1.1"}, "PORTICO_TRACE_SHARE"},
		"less than no trace":              {[]string{"--trace-share=-0.5"}, "PORTICO_TRACE_SHARE"},
		"everything slow":                 {[]string{"--trace-slow=0s"}, "PORTICO_TRACE_SLOW"},
		"no company at all":               {[]string{"--scale=0"}, "PORTICO_SCALE"},
		"a relative URL":                  {[]string{"--public-url=portal"}, "PORTICO_PUBLIC_URL"},
		"a certificate without a key":     {[]string{"--tls-cert=cert.pem"}, "PORTICO_TLS_KEY"},
		"two databases":                   {[]string{"--database-url=postgres://a/b", "--database-url-file=x"}, "DATABASE_URL_FILE"},
		"a short key":                     {[]string{"--link-key=short"}, "PORTICO_LINK_KEY"},
		"no file in production":           {[]string{"--profile=production", "--link-key=" + key}, "PORTICO_CONFIG"},
		"a file that is not there":        {[]string{"--config=/nowhere"}, "PORTICO_CONFIG"},
		"a file with a word of its own":   {[]string{"--config=" + written(t, "f", "sorces: {}\n")}, "sorces"},
		"nobody who signs in production": {
			[]string{"--profile=production", "--link-key=" + key, "--config=" + written(t, "f", "sources: {}\n")}, "issuers",
		},
		"a company in production": {[]string{"--profile=production", "--config=" + written(t, "f", "sandbox: true\n")}, "sandbox"},
		"an issuer by HTTP in production": {
			[]string{
				"--profile=production", "--link-key=" + key, "--data-key-file=k", "--audit-key-file=k", "--audit-folder=f",
				"--config=" + written(t, "f", "issuers: [{url: 'http://sso.example.com', audience: a}]\n"),
			},
			"issuers[0].url",
		},
		"a key that repeats in production": {
			[]string{
				"--profile=production", "--link-key=" + strings.Repeat("a", 40),
				"--config=" + written(t, "f", "issuers: [{url: 'https://s', audience: a}]\n"),
			},
			"PORTICO_LINK_KEY",
		},
		"windows that overlap": {
			[]string{
				"--config=" + written(t, "f", "sources: {erp: {adapter: sandbox-erp, url: 'http://localhost/erp', "+
					"limits: {maintenance: [{from: 2026-03-01T00:00:00Z, to: 2026-03-01T02:00:00Z}, "+
					"{from: 2026-03-01T01:00:00Z, to: 2026-03-01T03:00:00Z}]}}}\n"),
			},
			"maintenance[1]",
		},
		"quiet hours that are none": {
			[]string{"--config=" + written(t, "f", "alerting: {quiet: [{from: '25:00', to: '07:00'}]}\n")}, "alerting.quiet: from",
		},
	} {
		if _, err := configured(t, c.args...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want that %s is named", name, err, c.want)
		} else if strings.Contains(err.Error(), key) {
			t.Errorf("%s: the key is told: %v", name, err)
		}
	}
}

// TestAConnectionIsShownWithoutItsPassword prints what a password may be in.
func TestAConnectionIsShownWithoutItsPassword(t *testing.T) {
	for dsn, want := range map[string]string{
		"":                               "",
		"postgres://u:secret@db/portico": "postgres://***@db/portico",
		"postgres://db/portico?user=u&password=secret": "postgres://db/portico?***",
		"host=db password=secret":                      "***",
	} {
		got := redacted(dsn)
		if got != want {
			t.Errorf("%q is shown as %q, want %q", dsn, got, want)
		}
	}
}

// TestKeysAreReadFromTheirFile reads files of keys as operators write them.
func TestKeysAreReadFromTheirFile(t *testing.T) {
	const one, two = "0123456789abcdefghijklmnopqrstuvwxyz", "zyxwvutsrqponmlkjihgfedcba9876543210"
	read := func(text string) ([][]byte, error) {
		get, err := keys(Config{}, "PORTICO_LINK_KEY_FILE", written(t, "keys", text), "link-key", slog.New(slog.DiscardHandler))
		if err != nil {
			return nil, err
		}
		return get(), nil
	}
	if got, err := read(one + "\n" + two + "\n\n"); err != nil || len(got) != 2 || string(got[0]) != one || string(got[1]) != two {
		t.Errorf("%d keys, %v", len(got), err)
	}
	for what, text := range map[string]string{
		"nothing": "\n", "a short one": one + "\nshort\n", "one that repeats itself": strings.Repeat("ab", 20),
	} {
		if _, err := read(text); err == nil || strings.Contains(err.Error(), "abab") || !strings.Contains(err.Error(), "PORTICO_LINK_KEY_FILE") {
			t.Errorf("%s: %v", what, err)
		}
	}
	cfg := Config{Data: t.TempDir()}
	first, err := ownKey(cfg, "link-key")
	again, err2 := ownKey(cfg, "link-key")
	if err != nil || err2 != nil || string(first) != string(again) || len(first) < leastKey {
		t.Errorf("a key of its own is made twice, or is short: %d bytes, %v, %v", len(first), err, err2)
	}
}
