// One tab for each area, with a query worth running at once.
export const starterTabs = [
  {
    query: `# One query over every area. Run it: Ctrl-Enter.
query Everything {
  viewer {
    ... on CustomerViewer { account { number name } }
  }
  items(first: 3) {
    nodes {
      sku
      name
      price { ... on Price { unitPrice { price { amount currency } } kind provenance { mode age } }
              ... on PriceUnavailable { message } }
      availability { status availableNow { value unit } byWarehouse { warehouse { code } availableNow { value } } }
    }
  }
  orders(first: 3) {
    nodes {
      number
      status
      account { name }
      lines(first: 3) { nodes { item { name } ordered { value unit } shipped { value } } }
      shipments { nodes { number status eta { at } } }
    }
  }
}
`,
  },
  {
    query: `query Accounts {
  accounts {
    nodes {
      number
      name
      status
      paymentTerms { description }
      credit { limit { amount currency } available { amount } onHold }
      children { number name }
      locations { nodes { code roles address { city country } } }
    }
  }
}
`,
  },
  {
    query: `query Catalogue($search: String = "screw") {
  items(first: 10, search: $search) {
    totalCount { value exact }
    facets { name values { value count } }
    nodes {
      sku
      gtin
      name
      customerPartNumber
      units { unit baseQuantity minimum }
      price { ... on Price { unitPrice { price { amount currency } per { value unit } } breaks { minimum { value } unitPrice { price { amount } } } } }
      availability { status atp { from cumulative { value unit } } }
    }
  }
}
`,
    variables: '{ "search": "screw" }',
  },
  {
    query: `query Orders {
  orders(first: 10, filter: { status: [PARTIALLY_SHIPPED, PARTIALLY_BACKORDERED, ON_HOLD] }) {
    totalCount { value }
    nodes {
      number
      customerPoNumber
      status
      holds { kind reason }
      totals { total { amount currency } }
      lines {
        nodes {
          lineNumber
          sku
          status
          ordered { value unit }
          backordered { value }
          schedule { quantity { value } promisedDeliveryDate actualShipDate }
        }
      }
      invoices { nodes { number status balance { amount currency } document { url } } }
    }
  }
}
`,
  },
  {
    query: `# For supplier and operator.
query PurchaseOrders {
  purchaseOrders(first: 10) {
    nodes {
      number
      status
      supplier { code name }
      acknowledgeBy
      lines { nodes { lineNumber sku ordered { value unit } open { value } schedule { requestedDeliveryDate promisedDeliveryDate } } }
      shipments { nodes { number status } }
    }
  }
}
`,
  },
  {
    query: `query Shipments {
  shipments(first: 10) {
    nodes {
      number
      status
      carrier { name }
      references { scheme value }
      eta { at }
      packages { trackingNumber status lines { quantity { value unit } orderLine { sku } } }
      events(last: 5) { nodes { milestone occurredAt location { city } } }
      proofOfDelivery { deliveredAt document { url } }
    }
  }
}
`,
  },
];
