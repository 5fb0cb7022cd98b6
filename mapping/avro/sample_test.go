package avro

// eventSchema is an event as teams keep it in Avro.
const eventSchema = `{"type":"record","name":"Event","namespace":"com.example.shop","fields":[
  {"name":"type","type":{"type":"enum","name":"EventType","symbols":["identify","track","page","screen","group","alias"]}},
  {"name":"message_id","type":"string"},
  {"name":"user_id","type":["null","string"],"default":null},
  {"name":"anonymous_id","type":["null","string"],"default":null},
  {"name":"event_name","type":["null","string"],"default":null},
  {"name":"properties","type":["null",{"type":"map","values":["null","string","long","double","boolean"]}],"default":null},
  {"name":"traits","type":["null",{"type":"map","values":"string"}],"default":null},
  {"name":"context","type":{"type":"record","name":"Context","fields":[
    {"name":"ip","type":["null","string"]},{"name":"locale","type":["null","string"]},{"name":"timezone","type":["null","string"]},
    {"name":"user_agent","type":["null","string"]},{"name":"session_id","type":["null","long"]},
    {"name":"library","type":["null",{"type":"record","name":"Library","fields":[{"name":"name","type":"string"},{"name":"version","type":"string"}]}]},
    {"name":"page","type":["null",{"type":"map","values":"string"}]},
    {"name":"traits","type":["null",{"type":"map","values":"string"}]}]}},
  {"name":"timestamp","type":{"type":"long","logicalType":"timestamp-millis"}},
  {"name":"original_timestamp","type":["null",{"type":"long","logicalType":"timestamp-millis"}]},
  {"name":"sent_at","type":["null",{"type":"long","logicalType":"timestamp-millis"}]},
  {"name":"received_at","type":["null",{"type":"long","logicalType":"timestamp-millis"}]}]}`

const eventJSON = `{"type":"track","message_id":"7f1e9d9e-0000-4000-8000-000000000001","user_id":"user-0042","anonymous_id":"7f1e9d9e-0000-4000-8000-00000000000a",
"event_name":"Order Completed","properties":{"order_id":"ORD-0000042","currency":"EUR","revenue":129.95,"items":3,"gift":false,"coupon":null,"eventNo":"ev-0000042"},
"context":{"ip":"203.0.113.7","locale":"nl-NL","timezone":"Europe/Amsterdam","user_agent":"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
"session_id":1767600000000,"library":{"name":"RudderLabs JavaScript SDK","version":"3.24.1"},
"page":{"path":"/checkout","url":"https://shop.example.com/checkout","title":"Lamplight & Oak","referrer":"https://www.example.org/","search":""},
"traits":{"email":"user-0042@example.com","phone":"+31600000042"}},
"timestamp":"2026-01-05T08:00:00.123Z","original_timestamp":"2026-01-05T08:00:00.003Z","sent_at":"2026-01-05T08:00:00.063Z","received_at":"2026-01-05T08:00:00.183Z"}`

// For the tests outside of the package.
var EventSchema, EventJSON = eventSchema, eventJSON
