package operating

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"portico/trade"
)

// CodeMeaning is what a code of those who carry goods means. A code that says nothing about a
// status has none.
type CodeMeaning struct {
	Milestone trade.Milestone      `yaml:"milestone" json:"milestone"`
	Status    trade.ShipmentStatus `yaml:"status" json:"status,omitempty"`
}

// CodeMapping is a table of what codes mean, as it is in force.
type CodeMapping struct {
	ID          string
	Standard    trade.CodeStandard
	List        string
	Instance    *string // the source that it is for
	Version     int     // of what it was written as, and one more for each time it was published since
	PublishedAt time.Time
	Codes       map[string]CodeMeaning
}

// NodeID is the table's global id.
func (m *CodeMapping) NodeID() string { return m.ID }

// CodeMappingEntry is a code and one thing that it means, as Enum.VALUE.
type CodeMappingEntry struct {
	Code    string `json:"Code"`
	Meaning string `json:"Meaning"`
}

const (
	meansMilestone = "Milestone."
	meansStatus    = "ShipmentStatus."
)

// Entries are the codes and what they mean, by code.
func (m *CodeMapping) Entries() []*CodeMappingEntry {
	all := []*CodeMappingEntry{}
	for _, code := range slices.Sorted(maps.Keys(m.Codes)) {
		is := m.Codes[code]
		all = append(all, &CodeMappingEntry{code, meansMilestone + string(is.Milestone)})
		if is.Status != "" {
			all = append(all, &CodeMappingEntry{code, meansStatus + string(is.Status)})
		}
	}
	return all
}

// UnmappedCode is a code that was seen and has no meaning.
type UnmappedCode struct {
	Code       string
	Text       *string
	Count      int
	LastSeenAt time.Time
}

const (
	mostPublished = 1000
	longestMeant  = 400
)

// Publish is what a table's codes mean with some entries added or changed: those codes alone.
// What an entry does not say of a code stays, and of one that is new, moves nothing.
func (m *CodeMapping) Publish(entries []CodeMappingEntry) (changed map[string]CodeMeaning, errs []trade.UserError) {
	wrong := func(i int, field, format string, args ...any) {
		path := []string{"input", "entries"}
		if i >= 0 {
			path = append(path, fmt.Sprint(i), field)
		}
		errs = append(errs, &trade.InvalidInput{Refusal: trade.Refusal{
			Code: trade.CodeInvalidInput, Message: fmt.Sprintf(format, args...),
			Path: path,
		}})
	}
	if len(entries) == 0 || len(entries) > mostPublished {
		wrong(-1, "", "Give 1 to %d codes.", mostPublished)
		return nil, errs
	}
	changed = map[string]CodeMeaning{}
	for i, e := range entries {
		if strings.TrimSpace(e.Code) != e.Code || e.Code == "" || len(e.Code) > longestMeant || trade.CheckText(e.Code, "code") != nil {
			wrong(i, "code", "A code has 1 to %d characters that can be printed, without blanks around it.", longestMeant)
			continue
		}
		is, ok := changed[e.Code]
		if !ok {
			if is, ok = m.Codes[e.Code]; !ok {
				is = CodeMeaning{trade.MilestoneOther, trade.ShipmentUnknown}
			}
		}
		milestone, isMilestone := strings.CutPrefix(e.Meaning, meansMilestone)
		status, isStatus := strings.CutPrefix(e.Meaning, meansStatus)
		switch {
		case isMilestone && slices.Contains(trade.Milestones, trade.Milestone(milestone)):
			is.Milestone = trade.Milestone(milestone)
		case isStatus && slices.Contains(trade.ShipmentStatuses, trade.ShipmentStatus(status)):
			is.Status = trade.ShipmentStatus(status)
		default:
			wrong(i, "meaning", "It must be a value of Milestone or ShipmentStatus, such as %sDELIVERED.", meansStatus)
		}
		changed[e.Code] = is
	}
	return changed, errs
}
