package app

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"
)

// printed is what is printed of a configuration.
func printed(t *testing.T, c Config) (text string, all map[string]any) {
	t.Helper()
	var b strings.Builder
	if err := c.Print(&b); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal([]byte(b.String()), &all); err != nil {
		t.Fatalf("%v in\n%s", err, b.String())
	}
	return b.String(), all
}

// TestEverySettingIsPrinted gives every field of Config a value of its own, and looks for it.
func TestEverySettingIsPrinted(t *testing.T) {
	var c Config
	want := map[string]string{}
	v := reflect.ValueOf(&c).Elem()
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if f.Tag.Get("kong") == "-" {
			continue
		}
		switch field := v.Field(i).Addr().Interface().(type) {
		case *string:
			*field = "value-of-" + f.Name
			want[f.Name] = *field
		case *[]string:
			*field = []string{"value-of-" + f.Name}
			want[f.Name] = fmt.Sprint(*field)
		case *time.Duration:
			*field = time.Duration(1000+i) * time.Second
			want[f.Name] = field.String()
		case *int:
			*field = 1000 + i
			want[f.Name] = fmt.Sprint(*field)
		case *int64:
			*field = int64(1000 + i)
			want[f.Name] = fmt.Sprint(*field)
		case *float64:
			*field = float64(i) + 0.5
			want[f.Name] = fmt.Sprint(*field)
		default:
			t.Fatalf("%s is a %T, which this test knows no value for", f.Name, field)
		}
		if _, secret := f.Tag.Lookup("secret"); secret {
			want[f.Name] = hidden
		}
	}
	text, all := printed(t, c)
	if len(all) != len(want)+1 {
		t.Errorf("%d entries for %d settings and the file:\n%s", len(all), len(want), text)
	}
	values := map[string]bool{}
	for _, value := range all {
		values[fmt.Sprint(value)] = true
	}
	for name, value := range want {
		if !values[value] {
			t.Errorf("%s, which is %s, is not printed:\n%s", name, value, text)
		}
	}
}

// files are settings that are named for a key and hold where it is.
var files = map[string]string{"TLSKey": "a path"}

// TestNoSecretIsPrinted puts secrets wherever somebody might, and looks for them.
func TestNoSecretIsPrinted(t *testing.T) {
	const secret = "hunter2"
	for f := range reflect.TypeFor[Config]().Fields() {
		_, tagged := f.Tag.Lookup("secret")
		for _, word := range []string{"Key", "Secret", "Password", "Token"} {
			if strings.HasSuffix(f.Name, word) && !tagged && files[f.Name] == "" {
				t.Errorf("%s is named for a secret and is not tagged as one", f.Name)
			}
		}
	}
	for _, address := range []string{
		"postgres://u:hunter2@db/x", "postgres://u:hun,hunter2@db/x", "postgres://u:a/hunter2@db/x", "postgres://db/x?password=hunter2,hunter2",
		"host=db password = 'hunter2'", "host=db sslpassword=hunter2", "nats://hunter2@a:4222", "nats://a:4222,nats://u:hunter2@b:4222",
	} {
		c := Config{}
		v := reflect.ValueOf(&c).Elem()
		for i := range v.NumField() {
			if v.Type().Field(i).Tag.Get("kong") == "-" {
				continue
			}
			switch field := v.Field(i).Addr().Interface().(type) {
			case *string:
				*field = address
			case *[]string:
				*field = []string{address}
			}
		}
		if text, _ := printed(t, c); strings.Contains(text, secret) {
			t.Errorf("of %s the secret is printed:\n%s", address, text)
		}
	}
	if text, _ := printed(t, Config{LinkKey: secret}); strings.Contains(text, secret) {
		t.Errorf("the key of links is printed:\n%s", text)
	}
	t.Setenv("ERP_KEY", secret)
	c, err := read(t, `
sources:
  erp: { adapter: tryton, url: "http://u:hunter2@erp/db?token=hunter2", user: portico, key_env: ERP_KEY } # hunter2
  acme:
    adapter: webhook
    mapping: example # its key was hunter2 once
    webhook: { secret_env: ERP_KEY }
alerting: { alertmanager: "http://u:hunter2@alertmanager:9093" }
`)
	if err != nil {
		t.Fatal(err)
	}
	if text, _ := printed(t, c); strings.Contains(text, secret) {
		t.Errorf("a secret of the file is printed:\n%s", text)
	}
}

// TestWhatIsPrintedOfTheFileIsAFile reads what is printed as a configuration file: it says the same.
func TestWhatIsPrintedOfTheFileIsAFile(t *testing.T) {
	c, err := read(t, `
sources:
  erp:
    adapter: tryton
    url: http://erp/db
    user: portico
    key_file: /run/secrets/erp
    limits: { timeout: 7s, maintenance: [{ from: 2026-12-24T18:00:00Z, to: 2026-12-26T06:00:00Z }] }
  acme: { adapter: webhook, mapping: example, zone: Europe/Amsterdam, webhook: { secret_file: /s, scheme: bearer } }
routes: { pricing: erp }
capabilities: { PRICING: { primary: tryton, shadow: erp, percent: 10 } }
match: { items: gtin }
tell: { SUPPLIER_DATE: LATER }
policies: { items: { steward: product data, conflict: STEWARD_DECIDES } }
issuers: [{ url: https://login.example.com, audience: portico, claims: { role: portico_role } }]
alerting: { alertmanager: "http://alertmanager:9093", quiet: [{ from: "20:00", to: "07:00", zone: Europe/Amsterdam, queues: [purchasing]
}] }
brown_outs: [{ coordinate: Order.number, from: 2027-05-03T10:00:00Z, to: 2027-05-03T11:00:00Z }]
documents: { manifests: { portal: /etc/portico/portal.json }, required: [customer] }
`)
	if err != nil {
		t.Fatal(err)
	}
	text, all := printed(t, c)
	file, err := yaml.Marshal(all["file"])
	if err != nil {
		t.Fatal(err)
	}
	again, err := read(t, string(file))
	if err != nil {
		t.Fatalf("what is printed is no file: %v\n%s", err, file)
	}
	if other, _ := printed(t, again); strings.ReplaceAll(other, again.ConfigFile, c.ConfigFile) != text {
		t.Errorf("got\n%s\nwant\n%s", other, text)
	}
}
