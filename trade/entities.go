package trade

// These are the records that other graphs may refer to, by id or by natural key.

// IsEntity says that other graphs may refer to it.
func (*Account) IsEntity() {}

// IsEntity says that other graphs may refer to it.
func (*Item) IsEntity() {}

// IsEntity says that other graphs may refer to it.
func (*Order) IsEntity() {}

// IsEntity says that other graphs may refer to it.
func (*Invoice) IsEntity() {}

// IsEntity says that other graphs may refer to it.
func (*PurchaseOrder) IsEntity() {}

// IsEntity says that other graphs may refer to it.
func (*Shipment) IsEntity() {}

// IsEntity says that other graphs may refer to it.
func (*TradingPartner) IsEntity() {}
