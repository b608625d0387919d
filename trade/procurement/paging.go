package procurement

import "portico/trade"

// TradingPartnerConnection and the types below are the pages of lists of procurement.
type (
	TradingPartnerConnection = trade.Connection[TradingPartner]
	TradingPartnerEdge       = trade.Edge[TradingPartner]
)
