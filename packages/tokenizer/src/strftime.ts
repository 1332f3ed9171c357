const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS = "January February March April May June July August September October November December".split(" ");

/** Python's strftime in the C locale, local time: English names wherever the page runs, because models were trained on them. */
export function strftime(date: Date, format: string): string {
  const month = MONTHS[date.getMonth()] ?? "";
  const day = DAYS[date.getDay()] ?? "";
  const hour12 = date.getHours() % 12 || 12;
  const fields: Record<string, string> = {
    Y: String(date.getFullYear()),
    y: two(date.getFullYear() % 100),
    m: two(date.getMonth() + 1),
    B: month,
    b: month.slice(0, 3),
    d: two(date.getDate()),
    A: day,
    a: day.slice(0, 3),
    H: two(date.getHours()),
    I: two(hour12),
    p: date.getHours() < 12 ? "AM" : "PM",
    M: two(date.getMinutes()),
    S: two(date.getSeconds()),
    "%": "%",
  };
  return format.replace(/%-?([A-Za-z%])/g, (directive, letter: string) => {
    const field = fields[letter];
    return directive.startsWith("%-") ? (field?.replace(/^0(?=.)/, "") ?? directive) : (field ?? directive);
  });
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}
