package trade

// AuditEntryConnection and the types below are the pages of lists about running the product.
type (
	AuditEntryConnection         = Connection[AuditEntry]
	AuditEntryEdge               = Edge[AuditEntry]
	DeadLetterConnection         = Connection[DeadLetter]
	DeadLetterEdge               = Edge[DeadLetter]
	InboundDeliveryConnection    = Connection[InboundDelivery]
	InboundDeliveryEdge          = Edge[InboundDelivery]
	WebhookDeliveryConnection    = Connection[WebhookDelivery]
	WebhookDeliveryEdge          = Edge[WebhookDelivery]
	MasterDataConflictConnection = Connection[MasterDataConflict]
	MasterDataConflictEdge       = Edge[MasterDataConflict]
	RecordDifferenceConnection   = Connection[RecordDifference]
	RecordDifferenceEdge         = Edge[RecordDifference]
	RejectedRecordConnection     = Connection[RejectedRecord]
	RejectedRecordEdge           = Edge[RejectedRecord]
	RouteMismatchConnection      = Connection[RouteMismatch]
	RouteMismatchEdge            = Edge[RouteMismatch]
	TimelineConnection           = Connection[TimelineEntry]
	TimelineEdge                 = Edge[TimelineEntry]
)
