package e2e

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"gopkg.in/yaml.v3"

	"portico/test/e2e/api"
	"portico/test/e2e/extras"
)

var (
	named    = regexp.MustCompile(`\b(portico_[a-z0-9_]+|process_resident_memory_bytes|go_goroutines)\b`)
	settings = regexp.MustCompile(`\b(PORTICO_[A-Z_0-9]+|NATS_URL|DATABASE_URL(?:_FILE)?)\b`)
)

// TestDashboardsAndRulesAskForMetricsThatAreThere holds every metric that Grafana's dashboards and Prometheus's rules name to those that a
// server tells.
//
// Covers: O04 O05
func TestDashboardsAndRulesAskForMetricsThatAreThere(t *testing.T) {
	t.Parallel()
	s := portico(t)
	for range 2 { // something is refused, asked of every source, and told
		_ = s.query(t, "buyer", `{ nothing }`, nil) // malformed
		must(api.ItemPriceNow(s.as(t, "buyer")))
	}
	text, err := os.ReadFile("../../schema.graphqls")
	if err != nil || len(text) == 0 {
		t.Fatal(err)
	}
	var help string
	s.until(t, 20*time.Second, "counted", func() bool {
		help = s.metrics(t)
		return strings.Contains(help, "portico_objective_met{") && strings.Contains(help, "portico_source_up{")
	})
	// Vectors without a value yet are not in the answer: their names are those of the code.
	code := declared(t)
	files, err := filepath.Glob("../../deploy/observability/grafana/dashboards/*.json")
	if err != nil || len(files) < 2 {
		t.Fatalf("dashboards: %v, %v", files, err)
	}
	found := 0
	for _, file := range append(files, "../../deploy/observability/rules.yml") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(file, ".json") {
			var board struct {
				UID    string
				Panels []struct {
					Title   string
					Targets []struct{ Expr string }
				}
			}
			if err := json.Unmarshal(text, &board); err != nil || board.UID == "" || len(board.Panels) == 0 {
				t.Errorf("%s is no dashboard: %v", file, err)
			}
			for _, p := range board.Panels {
				for _, target := range p.Targets {
					if named.FindString(target.Expr) == "" {
						t.Errorf("%s: %q asks for no metric of ours: %s", file, p.Title, target.Expr)
					}
				}
			}
		}
		for _, m := range named.FindAllString(string(text), -1) {
			found++
			name := m
			for _, suffix := range []string{"_bucket", "_count", "_sum"} {
				name = strings.TrimSuffix(name, suffix)
			}
			if !strings.Contains(help, "# HELP "+name+" ") && !code[name] {
				t.Errorf("%s names %s, which is not there", file, m)
			}
		}
	}
	t.Logf("%d uses of metrics", found)
}

// declared are the names of metrics in the code.
func declared(t *testing.T) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	name := regexp.MustCompile(`Name: +"(portico_[a-z0-9_]+)"`)
	for _, folder := range []string{"edge", "process", "sources", "store", "resolvers"} {
		err := filepath.WalkDir("../../"+folder, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") {
				return err
			}
			text, err := os.ReadFile(path)
			for _, m := range name.FindAllStringSubmatch(string(text), -1) {
				all[m[1]] = true
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// TestPrometheusTakesTheRules checks and plays the rules with promtool.
//
// Covers: O05
func TestPrometheusTakesTheRules(t *testing.T) {
	t.Parallel()
	promtool := extras.Program(t, "Prometheus's rules", "promtool")
	for _, args := range [][]string{
		{"check", "rules", "rules.yml"},
		{"check", "config", "prometheus.yml"},
		{"test", "rules", "rules_test.yml"},
		{"test", "rules", "outages_test.yml"},
	} {
		cmd := exec.Command(promtool, args...)
		cmd.Dir = "../../deploy/observability"
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
	}
}

// TestDeploymentFilesSayWhatPorticoKnows parses the files for containers, clusters and machines, and holds the
// settings, paths and commands in
// them to the program. They are not run in containers here.
//
// Covers: H04
func TestDeploymentFilesSayWhatPorticoKnows(t *testing.T) {
	t.Parallel()
	s := portico(t)
	help, err := exec.Command(binary, "serve", "--help").CombinedOutput()
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{
		"compose.yaml", "kubernetes/portico.yaml", "observability/prometheus.yml", "observability/rules.yml",
		"observability/alertmanager.yml", "observability/grafana/datasources.yml", "observability/grafana/dashboards.yml", "Containerfile",
		"systemd/portico.service",
	} {
		text, err := os.ReadFile("../../deploy/" + file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(file, "yaml") || strings.HasSuffix(file, "yml") {
			documents := 0
			for d := yaml.NewDecoder(strings.NewReader(string(text))); ; documents++ {
				var any map[string]any
				if err := d.Decode(&any); errors.Is(err, io.EOF) {
					break
				} else if err != nil || any == nil {
					t.Fatalf("%s, document %d: %v", file, documents+1, err)
				}
			}
			if documents == 0 {
				t.Errorf("%s is empty", file)
			}
		}
		for _, setting := range settings.FindAllString(string(text), -1) {
			if setting != "PORTICO_DASHBOARDS" && !strings.Contains(string(help), "$"+setting) {
				t.Errorf("%s sets %s, which is no setting", file, setting)
			}
		}
		for _, path := range regexp.MustCompile(`path: (/[a-z]+z)\b`).FindAllStringSubmatch(string(text), -1) {
			resp, err := http.Get(s.url + path[1])
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				t.Errorf("%s looks at %s, which answers %d", file, path[1], resp.StatusCode)
			}
		}
		for _, mount := range regexp.MustCompile(`\./(observability/[^:]+|portico\.yaml):`).FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat("../../deploy/" + mount[1]); err != nil && mount[1] != "portico.yaml" {
				t.Errorf("%s mounts %s: %v", file, mount[1], err)
			}
		}
	}
}

// TestABackupIsRestoredToAConsistentPoint backs up beside a running server, and restores into an empty
// database: every order acknowledged before the backup is there with its key, the audit log is whole, and Portico goes on.
//
// Covers: R11
func TestABackupIsRestoredToAConsistentPoint(t *testing.T) {
	extras.Program(t, "backup and restore", "pg_dump")
	t.Parallel()
	data := loaded(t)
	s := start(t, data)
	s.control(t, http.MethodPost, "/control/speed?speed=0", nil)
	s.settled(t)
	o := orderingAt(t, s)
	keys := map[string]api.OrderInput{}
	for range 5 {
		key, in := o.order()
		keys[key] = in
		if a := o.submit(t, key, in); null(a.Order) {
			t.Fatalf("not taken: %s", asJSON(a))
		}
	}
	pid, err := os.ReadFile(filepath.Join(data, "postgres", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	dsn := func(database string) string {
		return "host=" + strings.Split(string(pid), "\n")[4] + " user=portico dbname=" + database
	}
	run := func(name string, args ...string) string {
		t.Helper()
		out, err := exec.Command("../../deploy/"+name, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
		return string(out)
	}
	db := s.database(t)
	var database string
	if err := db.Get(&database, `SELECT current_database()`); err != nil {
		t.Fatal(err)
	}
	tables := []string{"orders", "order_lines", "shipment_events", "operations", "audit_entries", "measured"}
	least := map[string]int{} // what is there before the backup must be in it
	for _, table := range tables {
		var n int
		if err := db.Get(&n, `SELECT count(*) FROM `+table); err != nil {
			t.Fatal(err)
		}
		least[table] = n
	}
	file := filepath.Join(t.TempDir(), "backup")
	begun := time.Now()
	run("backup.sh", dsn(database), filepath.Join(data, "audit"), file)
	took := time.Since(begun)
	if out, err := exec.Command("../../deploy/restore.sh", file, dsn(database), t.TempDir()).CombinedOutput(); err == nil ||
		!strings.Contains(string(out), "not empty") {
		t.Errorf("a database that is in use is restored into: %v\n%s", err, out)
	}
	if _, err := db.Exec(`CREATE DATABASE restored`); err != nil {
		t.Fatal(err)
	}
	begun = time.Now()
	restoredAudit := t.TempDir()
	run("restore.sh", file, dsn("restored"), restoredAudit)
	t.Logf("backed up in %s, restored in %s", took.Round(time.Millisecond), time.Since(begun).Round(time.Millisecond))
	again := s.over(t, "restored", "PORTICO_AUDIT_FOLDER="+restoredAudit)
	again.settled(t)
	restored, err := sqlx.Open("postgres", dsn("restored")+" sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	defer restored.Close()
	for key, in := range keys {
		if a := must(api.SubmitOrder(again.as(t, "buyer"), key, in)).SubmitOrder; !a.Replayed || null(a.Order) {
			t.Errorf("an order that was acknowledged before the backup is not known by its key: %s", asJSON(a))
		}
	}
	for _, table := range tables {
		var after int
		if err := restored.Get(&after, `SELECT count(*) FROM `+table); err != nil {
			t.Fatal(err)
		}
		if after < least[table] || after == 0 {
			t.Errorf("%s: %d rows restored of %d", table, after, least[table])
		}
	}
	key, in := o.order()
	again.until(t, 20*time.Second, "a new order placed", func() bool {
		return must(api.SubmitOrder(again.as(t, "buyer"), key, in)).SubmitOrder.Operation.State == api.OperationStateCommitted
	})
	// The audit log goes on where the backup was: what was sealed before and since is one log.
	again.until(t, 20*time.Second, "the audit log goes on", func() bool {
		var unsealed int
		if err := restored.Get(&unsealed, `SELECT count(*) FROM audit_entries e WHERE NOT EXISTS
			(SELECT FROM audit_leaves l WHERE l.place = e.place)`); err != nil {
			t.Fatal(err)
		}
		heads, err := os.ReadFile(filepath.Join(restoredAudit, "heads"))
		backup, other := os.ReadFile(filepath.Join(file+".audit", "heads"))
		return unsealed == 0 && err == nil && other == nil && len(heads) > len(backup) && strings.HasPrefix(string(heads), string(backup))
	})
	verify := exec.Command(binary, "audit", "verify")
	verify.Env = append(os.Environ(), "DATABASE_URL="+dsn("restored")+" sslmode=disable", "PORTICO_AUDIT_FOLDER="+restoredAudit,
		"PORTICO_DATA="+again.data)
	if out, err := verify.CombinedOutput(); err != nil || !strings.Contains(string(out), "as they were signed") {
		t.Errorf("the audit log after restoring: %v\n%s", err, out)
	}
}
