"""The HTTP face: GraphQL, REST, health, and what all answers have in common."""
