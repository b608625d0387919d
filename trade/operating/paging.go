package operating

import "portico/trade"

// AuditEntryConnection and the types below are the pages of lists about running the product.
type (
	AuditEntryConnection         = trade.Connection[AuditEntry]
	AuditEntryEdge               = trade.Edge[AuditEntry]
	DeadLetterConnection         = trade.Connection[DeadLetter]
	DeadLetterEdge               = trade.Edge[DeadLetter]
	InboundDeliveryConnection    = trade.Connection[InboundDelivery]
	InboundDeliveryEdge          = trade.Edge[InboundDelivery]
	WebhookDeliveryConnection    = trade.Connection[WebhookDelivery]
	WebhookDeliveryEdge          = trade.Edge[WebhookDelivery]
	MasterDataConflictConnection = trade.Connection[MasterDataConflict]
	MasterDataConflictEdge       = trade.Edge[MasterDataConflict]
	RecordDifferenceConnection   = trade.Connection[RecordDifference]
	RecordDifferenceEdge         = trade.Edge[RecordDifference]
	RejectedRecordConnection     = trade.Connection[RejectedRecord]
	RejectedRecordEdge           = trade.Edge[RejectedRecord]
	RouteMismatchConnection      = trade.Connection[RouteMismatch]
	RouteMismatchEdge            = trade.Edge[RouteMismatch]
	UnusedFieldConnection        = trade.Connection[UnusedField]
	UnusedFieldEdge              = trade.Edge[UnusedField]
	TimelineConnection           = trade.Connection[TimelineEntry]
	TimelineEdge                 = trade.Edge[TimelineEntry]
)
