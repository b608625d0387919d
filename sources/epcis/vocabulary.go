package epcis

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"portico/sources"
)

// steps and dispositions are the words of GS1 CBV 2.0. Others must be extensions, which are written as URIs or CURIEs of their
// own namespace.
var (
	steps = strings.Fields(`accepting arriving assembling collecting commissioning consigning creating_class_instance cycle_counting
		decommissioning departing destroying disassembling dispensing encoding entering_exiting holding inspecting installing killing loading
		other packing picking receiving removing repackaging repairing replacing reserving retail_selling sampling sensor_reporting shipping
		staging_outbound stock_taking stocking storing transporting unloading unpacking void_shipping`)
	dispositions = strings.Fields(`active available completeness_inferred completeness_verified conformant container_closed container_open
		damaged destroyed dispensed disposed encoded expired in_progress in_transit inactive mismatch_class mismatch_instance mismatch_quantity
		needs_replacement no_pedigree_match non_conformant non_sellable_damaged non_sellable_disposed non_sellable_expired
		non_sellable_no_pedigree_match non_sellable_other non_sellable_recalled partially_dispensed recalled reserved retail_sold returned
		sellable_accessible sellable_not_accessible stolen unavailable unknown`)
)

// namespaces are how words of the CBV are written where they are not bare.
var namespaces = []string{"urn:epcglobal:cbv:", "https://ref.gs1.org/cbv/", "http://ref.gs1.org/cbv/", "https://gs1.org/cbv/", "cbv:"}

// check says what of an event is against the standard, beside its shape.
func (e *event) check(codes *sources.Codes) error {
	if !inVocabulary(e.BizStep, steps) && !hasMeaning(codes, term(e.BizStep)) {
		return fmt.Errorf("bizStep is %q: it must be one of CBV 2.0, or an extension with a namespace", e.BizStep)
	}
	if !inVocabulary(e.Disposition, dispositions) && !hasMeaning(codes, "/"+term(e.Disposition)) {
		return fmt.Errorf("disposition is %q: it must be one of CBV 2.0, or an extension with a namespace", e.Disposition)
	}
	classes := slices.Concat(e.Quantities, e.ChildClasses, e.InputClasses, e.OutClasses)
	for _, c := range classes {
		if c.Class == "" {
			return errors.New("a quantity has no epcClass")
		}
	}
	if len(classes)+len(e.EPCs)+len(e.Children)+len(e.Inputs)+len(e.Outputs)+len(e.Transactions)+len(e.Sensors) == 0 && e.ParentID == "" {
		return errors.New("it has no identifiers: epcList, quantityList, parentID or bizTransactionList must say what it is about")
	}
	return nil
}

func hasMeaning(codes *sources.Codes, code string) bool {
	_, ok := codes.Of(code)
	return ok
}

// inVocabulary tells whether a term is one of the words, is left out, or is an extension.
func inVocabulary(text string, words []string) bool {
	for _, namespace := range namespaces {
		if strings.HasPrefix(text, namespace) {
			return slices.Contains(words, term(text))
		}
	}
	return text == "" || strings.Contains(text, ":") || slices.Contains(words, text)
}
