// Package procurement holds the rules of purchase orders: trading partners and their keys, what an
// order response or a despatch advice is checked against, which deviations a tolerance covers, and
// which customers' commitments a change of supply endangers. It does no I/O.
package procurement
