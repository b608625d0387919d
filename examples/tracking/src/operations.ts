import { graphql } from './gql';

// What the page shows of a shipment; updates bring the same, so that a change needs no second query.
graphql(`
  fragment Details on Shipment {
    id
    number
    status
    eta { at }
    exception { message suggestedAction }
    origin { name city latitude longitude }
    destination { name city country }
    proofOfDelivery { deliveredAt signedBy }
    events(first: 100) {
      nodes { id milestone classifier status occurredAt location { city country latitude longitude } raw { text } correctedBy { id } }
    }
    statusExplanation { rule facts { at message used ignoredBecause } }
  }
`);

export const shipments = graphql(`
  query Shipments {
    shipments(first: 25, filter: { direction: [OUTBOUND] }) {
      nodes { ...Details }
    }
  }
`);

export const updates = graphql(`
  subscription Updates($after: EventCursor) {
    shipmentUpdates(after: $after) {
      __typename
      ... on StreamItem { cursor }
      ... on ShipmentUpdate { previousStatus shipment { direction ...Details } }
      ... on StreamCaughtUp { replayed }
      ... on StreamGap { requery }
    }
  }
`);
