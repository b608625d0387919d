package trade

import "github.com/quagmt/udecimal"

// Item is a thing that is sold.
type Item struct {
	ID              string            `json:"ID"`
	SKU             string            `json:"SKU"`
	GTIN            *string           `json:"GTIN"`
	Name            string            `json:"Name"`
	Description     *string           `json:"Description"`
	Brand           *string           `json:"Brand"`
	Identifiers     []Identifier      `json:"Identifiers"`
	CategoryRef     Ref               `json:"CategoryRef"`
	BaseUnit        string            `json:"BaseUnit"`
	Status          ItemStatus        `json:"Status"`
	ReplacedByRef   Ref               `json:"ReplacedByRef"`
	SubstituteRefs  []string          `json:"SubstituteRefs"` // skus, best first
	Attributes      []ItemAttribute   `json:"Attributes"`
	DocumentRefs    []ItemDocumentRef `json:"DocumentRefs"`
	CountryOfOrigin *string           `json:"CountryOfOrigin"`
	CommodityCode   *string           `json:"CommodityCode"`
	Provenance      Provenance        `json:"Provenance"`
	// Units and suppliers are set on an item as a source tells it.
	UnitsKnown     []ItemUnit     `json:"UnitsKnown"`
	SuppliersKnown []SupplierItem `json:"SuppliersKnown"`
}

// NodeID is the item's global id.
func (i *Item) NodeID() string { return i.ID }

// From is where the item's values came from.
func (i *Item) From() *Provenance { return &i.Provenance }

// ExternalIds are the item's ids in source systems.
func (i *Item) ExternalIds() []ExternalId { return i.Provenance.external("item") }

// ItemStatus is an item's place in its life.
type ItemStatus string

// Life of an item.
const (
	ItemActive       ItemStatus = "ACTIVE"
	ItemOnHold       ItemStatus = "ON_HOLD"
	ItemDiscontinued ItemStatus = "DISCONTINUED"
	ItemReplaced     ItemStatus = "REPLACED"
)

// ItemUnit is a unit an item is handled in; 1 CS = 24 EA has BaseQuantity 24.
// Minimum, Multiple and Maximum are in this unit.
type ItemUnit struct {
	Unit         string            `json:"Unit"`
	BaseQuantity udecimal.Decimal  `json:"BaseQuantity"`
	GTIN         *string           `json:"GTIN"`
	Orderable    bool              `json:"Orderable"`
	Minimum      *udecimal.Decimal `json:"Minimum"`
	Multiple     *udecimal.Decimal `json:"Multiple"`
	Maximum      *udecimal.Decimal `json:"Maximum"`
}

// ItemAttribute is a fact about an item.
type ItemAttribute struct {
	Name  string  `json:"name"`
	Label string  `json:"label"`
	Value string  `json:"value"`
	Unit  *string `json:"unit,omitempty"`
}

// ItemDocumentRef is a picture or paper of an item, by its name in its source.
type ItemDocumentRef struct {
	Kind     ItemDocumentKind `json:"kind"`
	Language *string          `json:"language,omitempty"`
	Document DocumentRef      `json:"document"`
}

// ItemDocument is a picture or paper of an item with its link.
type ItemDocument struct {
	Kind     ItemDocumentKind
	Language *string
	Link     DocumentLink
}

// ItemDocumentKind is a kind of item document.
type ItemDocumentKind string

// Category is a branch of the catalogue's tree.
type Category struct {
	ID         string     `json:"ID"`
	Code       string     `json:"Code"`
	Name       string     `json:"Name"`
	ParentRef  Ref        `json:"ParentRef"`
	Position   int        `json:"Position"`
	Provenance Provenance `json:"Provenance"`
}

// NodeID is the category's global id.
func (c *Category) NodeID() string { return c.ID }

// ItemFacet is one way to narrow a list of items.
type ItemFacet struct {
	Name   string
	Label  string
	Values []ItemFacetValue
}

// ItemFacetValue is a value of a facet and how many items have it.
type ItemFacetValue struct {
	Value string
	Label string
	Count int
}

// ItemSort is an order of items.
type ItemSort string

// Orders of items.
const (
	ItemsByRelevance ItemSort = "RELEVANCE"
	ItemsBySKU       ItemSort = "SKU_ASC"
	ItemsByName      ItemSort = "NAME_ASC"
	ItemsNewest      ItemSort = "NEWEST"
	ItemsMostOrdered ItemSort = "MOST_ORDERED"
)

// UnitOf is the unit with a code among those of an item; nil where there is none.
func UnitOf(units []*ItemUnit, code string) *ItemUnit {
	for _, u := range units {
		if u.Unit == code {
			return u
		}
	}
	return nil
}
