// What planning has to tell people although it goes on.

export interface PlanNotice {
  level: "info" | "warning";
  message: string;
}
