package ordering

import (
	"time"

	"portico/trade"
)

// CommitmentCause is what moved a promise.
type CommitmentCause string

// Causes of moved promises.
const (
	MovedBySupplierDate     CommitmentCause = "SUPPLIER_DATE"
	MovedBySupplierQuantity CommitmentCause = "SUPPLIER_QUANTITY"
	MovedByCarrier          CommitmentCause = "CARRIER_DELAY"
	MovedByAllocation       CommitmentCause = "ALLOCATION"
	MovedByCustomer         CommitmentCause = "CUSTOMER_REQUEST"
	MovedByCredit           CommitmentCause = "CREDIT"
)

// CommitmentCauses are all causes.
var CommitmentCauses = []CommitmentCause{
	MovedBySupplierDate, MovedBySupplierQuantity, MovedByCarrier, MovedByAllocation, MovedByCustomer,
	MovedByCredit,
}

// CauseOfDeviation is the cause of promises that move because a supplier's deviation of a field was accepted. What is not
// about the quantity moves when goods come.
func CauseOfDeviation(field trade.DeviationField) CommitmentCause {
	if field == trade.QuantityDeviates {
		return MovedBySupplierQuantity
	}
	return MovedBySupplierDate
}

// CauseRule is when a promise that moved has a cause. Neither Requested nor Deviation: always.
type CauseRule struct {
	// Requested: a request of one of these kinds about the order is executed, or ended within the time.
	Requested []trade.OperationKind
	// Deviation: a supplier's deviation that concerns the line was accepted within the time. Its cause counts, of the
	// last one accepted.
	Deviation bool
	Within    time.Duration
	Cause     CommitmentCause // empty with Deviation
}

// CauseRules say what moved a promise that a source reports without saying why: the first rule that
// applies counts. A customer's request shows within moments, as the source executes it. What a supplier changes shows when
// the source plans anew, which is every night.
var CauseRules = []CauseRule{
	{Requested: []trade.OperationKind{trade.AmendOrder, trade.CancelOrder}, Within: time.Minute, Cause: MovedByCustomer},
	{Deviation: true, Within: 24 * time.Hour},
	{Cause: MovedByAllocation},
}
