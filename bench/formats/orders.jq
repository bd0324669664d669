{
  orderId: .id, orderDate: .date, currency,
  buyer: {id: .buyer.id, name: .buyer.name},
  shipTo: {id: .shipTo.id},
  items: [.lines[] | {
    lineNumber: .number, material, description: .text, quantity,
    unit: {ST: "PCE", KG: "KGM", M: "MTR", L: "LTR"}[.unit],
    netPrice: .price,
    schedule: [.deliveries[] | {date, quantity}]
  }]
}
