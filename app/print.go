package app

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"
	"gopkg.in/yaml.v3"
)

// hidden stands where a secret would.
const hidden = "***"

// Print writes the settings in force as YAML, each by the name of its flag, and what the
// configuration file says in the file's own spelling. A setting that is tagged secret is
// hidden, and so is what may be a password in an address.
func (c Config) Print(w io.Writer) error {
	parser, err := kong.New(&c, kong.Vars{"data": DefaultData()})
	if err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	all := &yaml.Node{Kind: yaml.MappingNode}
	for _, f := range parser.Model.Flags {
		if f.Name == "help" {
			continue
		}
		value := f.Target.Interface()
		if text := f.Target.String(); f.Tag.Has("secret") && text != "" {
			value = hidden
		} else if d, is := value.(time.Duration); is {
			value = d.String()
		}
		if err := entry(all, strings.ReplaceAll(f.Name, "-", "_"), value); err != nil {
			return err
		}
	}
	if err := entry(all, "file", c.File); err != nil {
		return err
	}
	prune(all.Content[len(all.Content)-1])
	redact(all)
	return yaml.NewEncoder(w).Encode(all)
}

// entry adds a name and a value to a mapping.
func entry(to *yaml.Node, name string, value any) error {
	var key, node yaml.Node
	key.SetString(name)
	if err := node.Encode(value); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	to.Content = append(to.Content, &key, &node)
	return nil
}

// prune removes from a mapping, and from those in it, what says nothing.
func prune(n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		return
	}
	var kept []*yaml.Node
	for pair := range slices.Chunk(n.Content, 2) {
		prune(pair[1])
		if pair[1].Value != "" && pair[1].Tag != "!!null" || len(pair[1].Content) > 0 {
			kept = append(kept, pair...)
		}
	}
	n.Content = kept
}

// redact removes what may be a secret from every value below a node: passwords and queries
// of addresses, and comments, in which anything may stand.
func redact(n *yaml.Node) {
	n.HeadComment, n.LineComment, n.FootComment = "", "", ""
	if n.Kind == yaml.ScalarNode {
		n.Value = redacted(n.Value)
	}
	for _, below := range n.Content {
		redact(below)
	}
}

var (
	signIn   = regexp.MustCompile(`://[^/]*@`)           // of an address
	query    = regexp.MustCompile(`\?.*`)                // which may have a password too
	password = regexp.MustCompile(`(?i)password\s*[=:]`) // in a list of settings of a connection
)

// redacted is a text without what may be a password or a token: who signs in at an address,
// and its query; or all, where that cannot be told apart.
func redacted(text string) string {
	if !strings.Contains(text, "://") {
		if password.MatchString(text) {
			return hidden
		}
		return text
	}
	text = query.ReplaceAllString(signIn.ReplaceAllString(text, "://"+hidden+"@"), "?"+hidden)
	if strings.Contains(strings.ReplaceAll(text, "://"+hidden+"@", ""), "@") {
		return hidden
	}
	return text
}
