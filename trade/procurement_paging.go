package trade

// TradingPartnerConnection and the types below are the pages of lists of procurement.
type (
	TradingPartnerConnection = Connection[TradingPartner]
	TradingPartnerEdge       = Edge[TradingPartner]
)
