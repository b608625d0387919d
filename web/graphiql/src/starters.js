// One tab for each area, with a query that runs as it is.
export const starterTabs = [
  {
    query: `# One query over all areas of a customer. Run it with Ctrl-Enter.
# As supplier, use the tab PurchaseOrders.
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
    query: `# For buyer and approver. The run button lets you select an operation.
# Run Account first, and copy an id into the variables below.
# Use a new key for each order.
mutation Place($key: IdempotencyKey!, $order: OrderInput!) {
  submitOrder(idempotencyKey: $key, input: $order) {
    replayed
    errors { ... on UserError { code message path } }
    operation { id state }
    order {
      id number status version allowedActions
      lines { nodes { id sku ordered { value unit } } }
    }
  }
}

# Needs the order's id and version, and a new key each time.
mutation Amend($key: IdempotencyKey!, $change: AmendOrderInput!) {
  amendOrder(idempotencyKey: $key, input: $change) {
    errors {
      ... on UserError { code message path }
      ... on VersionConflict { currentVersion changedFields }
    }
    operation { state }
    order { version status lines { nodes { id ordered { value } } } }
  }
}

mutation Cancel($key: IdempotencyKey!, $cancel: CancelOrderInput!) {
  cancelOrder(idempotencyKey: $key, input: $cancel) {
    errors {
      ... on UserError { code message path }
      ... on StateNotAllowed { state allowed }
    }
    operation { state }
    order { version status }
  }
}

query Account {
  accounts(first: 5) { nodes { id number name } }
}

# As approver: orders that wait for approval.
query Waiting {
  orders(first: 10, filter: {status: [PENDING_APPROVAL]}) { nodes { id number version approval { state } totals { total { amount currency } } } }
}

mutation Approve($key: IdempotencyKey!, $approval: OrderApprovalInput!) {
  approveOrder(idempotencyKey: $key, input: $approval) {
    errors { ... on UserError { code message path } }
    order { status version }
  }
}
`,
    variables: `{
  "key": "my-first-order-0001",
  "order": {
    "account": "an id from Account",
    "customerPoNumber": "PO-1",
    "lines": [{
      "item": { "sku": "SCR-10001" },
      "quantity": { "value": "100", "unit": "EA" }
    }]
  },
  "change": {
    "order": "",
    "expectedVersion": "",
    "changeLines": [{ "line": "", "quantity": { "value": "200", "unit": "EA" } }]
  },
  "cancel": { "order": "", "expectedVersion": "", "reason": "no longer needed" },
  "approval": { "order": "", "expectedVersion": "" }
}`,
  },
  {
    query: `# For supplier and operator.
query PurchaseOrders {
  purchaseOrders(first: 10) {
    nodes {
      id
      number
      revision
      status
      allowedActions
      supplier { code name }
      acknowledgeBy
      lines { nodes { lineNumber sku ordered { value unit } open { value } schedule { requestedDeliveryDate promisedDeliveryDate } } }
      responses { responseNumber kind deviations { id field expected proposed delta state } }
      despatchAdvices { number status }
      shipments { nodes { number status } }
    }
  }
}

# As supplier: needs an order's id and revision, and a new key and response number each time.
mutation Respond($key: IdempotencyKey!, $response: PurchaseOrderResponseInput!) {
  respondToPurchaseOrder(idempotencyKey: $key, input: $response) {
    errors { ... on UserError { code message path } }
    operation { state }
    deviations { id field delta state }
  }
}

# As operator: needs the id of a PENDING deviation.
mutation Decide($key: IdempotencyKey!, $decision: DecideDeviationInput!) {
  decideDeviation(idempotencyKey: $key, input: $decision) {
    errors { ... on UserError { code message path } }
    operation { state }
    deviation { state }
  }
}
`,
    variables: `{
  "key": "my-first-response-0001",
  "response": {
    "purchaseOrder": "",
    "expectedRevision": 1,
    "responseNumber": "R-1",
    "kind": "ACCEPTED"
  },
  "decision": { "deviation": "", "decision": "ACCEPT" }
}`,
  },
  {
    query: `# Suppliers select purchaseOrderLine instead of orderLine.
query Shipments {
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
