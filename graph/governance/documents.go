package governance

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// Documents reads what clients send, from the files that a list names by client: GraphQL, an
// Apollo manifest of operations, or a program in TypeScript or JavaScript that has them in
// template strings. It fails where a client has none.
func Documents(from fs.FS, list []byte) (all []Document, err error) {
	var clients map[string][]string
	if err := yaml.Unmarshal(list, &clients); err != nil {
		return nil, fmt.Errorf("clients: %w", err)
	}
	for _, client := range slices.Sorted(maps.Keys(clients)) {
		before := len(all)
		for _, pattern := range clients[client] {
			files, err := fs.Glob(from, pattern)
			if err != nil {
				return nil, fmt.Errorf("clients: %s: %w", client, err)
			}
			for _, file := range files {
				text, err := fs.ReadFile(from, file)
				if err != nil {
					return nil, fmt.Errorf("clients: %s: %w", client, err)
				}
				some, err := documentsIn(file, string(text))
				if err != nil {
					return nil, fmt.Errorf("clients: %s: %s: %w", client, file, err)
				}
				all = append(all, some...)
			}
		}
		if len(all) == before {
			return nil, fmt.Errorf("clients: %s sends nothing: no document is in %v", client, clients[client])
		}
	}
	return all, nil
}

var (
	template = regexp.MustCompile("(?s)`([^`]*)`")
	comment  = regexp.MustCompile(`(?m)^\s*#.*$`)
	begins   = regexp.MustCompile(`^\s*(query|mutation|subscription|fragment|\{\s*[A-Za-z.])`)
	fragment = regexp.MustCompile(`^\s*fragment\s+(\w+)`)
)

func documentsIn(file, text string) (all []Document, err error) {
	switch path.Ext(file) {
	case ".graphql":
		return []Document{{file, text}}, nil
	case ".json":
		var manifest struct {
			Operations []struct{ Name, Body string } `json:"operations"`
		}
		if err := json.Unmarshal([]byte(text), &manifest); err != nil {
			return nil, err
		}
		for _, o := range manifest.Operations {
			all = append(all, Document{file + " " + o.Name, o.Body})
		}
		return all, nil
	}
	fragments := map[string]string{}
	for _, m := range template.FindAllStringSubmatch(text, -1) {
		bare := comment.ReplaceAllString(m[1], "")
		if !begins.MatchString(bare) {
			continue
		}
		if f := fragment.FindStringSubmatch(bare); f != nil {
			fragments[f[1]] = bare
			continue
		}
		all = append(all, Document{fmt.Sprintf("%s, operation %d", file, len(all)+1), bare})
	}
	for i := range all { // with the fragments that it spreads, and those that these do
		for added := true; added; {
			added = false
			for name, f := range fragments {
				if strings.Contains(all[i].Text, "..."+name) && !strings.Contains(all[i].Text, f) {
					all[i].Text, added = all[i].Text+"\n"+f, true
				}
			}
		}
	}
	return all, nil
}
